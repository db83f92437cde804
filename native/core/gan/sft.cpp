#include "core/gan/sft.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include "kernels/modulate.h"

namespace cumulens {

namespace {

constexpr double kSftSlope = 0.1;

class ModulateFunction : public torch::autograd::Function<ModulateFunction> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor& scale,
                            const at::Tensor& shift) {
    context->save_for_backward({x, scale});
    return kernels::modulate(x, scale, shift);
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context, torch::autograd::tensor_list grads) {
    TORCH_CHECK(!c10::GradMode::is_enabled(), "ModulateFunction: its gradients have none themselves");
    const auto saved = context->get_saved_variables();
    auto [gradX, gradScale] = kernels::modulateBackward(grads[0], saved[0], saved[1]);
    return {std::move(gradX), std::move(gradScale), grads[0]};
  }
};

}  // namespace

at::Tensor modulate(const at::Tensor& x, const at::Tensor& scale, const at::Tensor& shift) {
  // Under autocast the convolutions hand over bfloat16 while the trunk may be float.
  return ModulateFunction::apply(x, scale.to(x.scalar_type()), shift.to(x.scalar_type()));
}

Sft::Sft(Builder& builder, const std::string& name, int64_t features, int64_t width)
    : first_(builder, {name + ".scale.0", name + ".shift.0"}, features, features, 3),
      scale_(builder, name + ".scale.1", features, width, 3),
      shift_(builder, name + ".shift.1", features, width, 3) {}

at::Tensor Sft::operator()(const at::Tensor& x, const at::Tensor& c) const {
  const auto hidden = leakyReluInPlace(first_(c), kSftSlope).chunk(2, 1);
  return modulate(x, scale_(hidden[0]), shift_(hidden[1]));
}

}  // namespace cumulens
