#include "core/gan/layers.h"

#include <ATen/autocast_mode.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>
#include <tuple>

#include "kernels/narrow_conv.h"

namespace cumulens {

namespace {

class NarrowConvFunction : public torch::autograd::Function<NarrowConvFunction> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& bias) {
    context->save_for_backward({x, weight});
    return kernels::narrowConv(x, weight, bias);
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context, torch::autograd::tensor_list grads) {
    TORCH_CHECK(!c10::GradMode::is_enabled(), "NarrowConvFunction: its gradients have none themselves");
    const auto saved = context->get_saved_variables();
    torch::autograd::tensor_list result(3);
    if (context->needs_input_grad(0)) result[0] = kernels::narrowConvGradInput(grads[0], saved[1]);
    if (context->needs_input_grad(1) || context->needs_input_grad(2)) {
      std::tie(result[1], result[2]) = kernels::narrowConvGradParameters(grads[0], saved[0], saved[1].size(2));
    }
    return result;
  }
};

/// Uniform in ±sqrt(6 / (fanIn + fanOut)), drawn on the CPU in OIHW order whatever the device and layout.
at::Tensor glorot(Builder& builder, at::IntArrayRef shape, double gain) {
  const int64_t area = c10::multiply_integers(shape.slice(2));
  const double bound = gain * std::sqrt(6.0 / static_cast<double>((shape[0] + shape[1]) * area));
  return at::empty(shape, at::kFloat).uniform_(-bound, bound, builder.random);
}

std::vector<std::string> withSuffix(const std::vector<std::string>& names, const char* suffix) {
  std::vector<std::string> result;
  result.reserve(names.size());
  for (const auto& name : names) result.push_back(name + suffix);
  return result;
}

}  // namespace

at::Tensor watched(at::Tensor x, const CancelToken& cancel) {
  cancel.check();
  if (x.requires_grad()) {
    x.register_hook([&cancel](const at::Tensor&) { cancel.check(); });
  }
  return x;
}

Conv2d::Conv2d(Builder& builder, const std::vector<std::string>& names, int64_t inputs, int64_t outputs, int64_t kernel, double gain) {
  std::vector<at::Tensor> weights;
  for (size_t i = 0; i < names.size(); ++i) weights.push_back(glorot(builder, {outputs, inputs, kernel, kernel}, gain));
  const int64_t total = outputs * static_cast<int64_t>(names.size());
  weight_ = builder.parameters.add(withSuffix(names, ".weight"), at::cat(weights).to(builder.options));
  bias_ = builder.parameters.add(withSuffix(names, ".bias"), at::zeros({total}, builder.options));
}

at::Tensor Conv2d::operator()(const at::Tensor& x) const {
  if (kernels::isNarrow(x, weight_) && !at::autocast::is_autocast_enabled(at::kCPU)) {
    return NarrowConvFunction::apply(x, weight_, bias_);
  }
  const int64_t kernel = weight_.size(2);
  const int64_t before = (kernel - 1) / 2;
  const int64_t after = kernel / 2;
  if (before == after) return at::conv2d(x, weight_, bias_, 1, before);
  return at::conv2d(at::constant_pad_nd(x, {before, after, before, after}), weight_, bias_);
}

Linear::Linear(Builder& builder, const std::string& name, int64_t inputs, int64_t outputs)
    : weight_(builder.parameters.add({name + ".weight"}, glorot(builder, {outputs, inputs}, 1.0).to(builder.options))),
      bias_(builder.parameters.add({name + ".bias"}, at::zeros({outputs}, builder.options))) {}

at::Tensor Linear::operator()(const at::Tensor& x) const { return at::linear(x, weight_, bias_); }

}  // namespace cumulens
