#include "core/cnn/ops/ops.h"
#include "core/runtime/error.h"

namespace cumulens {
namespace {

/// (x − mean)/√(var + ε)·weight + bias a channel: batch statistics when training, running ones otherwise.
/// running ← (1 − momentum)·running + momentum·batch, with the unbiased variance (PyTorch's rule).
class BatchNorm final : public Op {
 public:
  BatchNorm(Shape shape, double epsilon, double momentum, bool scale, bool center)
      : Op(std::move(shape)), epsilon_(epsilon), momentum_(momentum), scale_(scale), center_(center) {}

  std::vector<ParameterSpec> parameters() const override {
    const Shape channels{outputShape()[0]};
    std::vector<ParameterSpec> list{{"running_mean", channels, Init::zeros, false}, {"running_var", channels, Init::ones, false}};
    if (scale_) list.push_back({"weight", channels, Init::ones});
    if (center_) list.push_back({"bias", channels, Init::zeros});
    return list;
  }

  at::Tensor forward(at::ArrayRef<at::Tensor> inputs, at::ArrayRef<at::Tensor> parameters, const Pass& pass) const override {
    const at::Tensor weight = scale_ ? parameters[2] : at::Tensor();
    const at::Tensor bias = center_ ? parameters[scale_ ? 3 : 2] : at::Tensor();
    const bool running = !pass.training || pass.updateStatistics;
    return at::batch_norm(inputs[0], weight, bias, running ? parameters[0] : at::Tensor(), running ? parameters[1] : at::Tensor(),
                          pass.training, momentum_, epsilon_, true);
  }

 private:
  double epsilon_, momentum_;
  bool scale_, center_;
};

}  // namespace

OpPointer makeBatchNorm(const Attrs& attrs, const std::vector<Shape>& inputs) {
  const double epsilon = attrs.number("epsilon"), momentum = attrs.number("momentum");
  check(epsilon > 0, ErrorCode::option, "attribute 'epsilon' must be positive, got ", epsilon);
  check(momentum >= 0 && momentum <= 1, ErrorCode::option, "attribute 'momentum' must lie in [0, 1], got ", momentum);
  return std::make_unique<BatchNorm>(onlyInput(inputs), epsilon, momentum, attrs.boolean("scale"), attrs.boolean("center"));
}

}  // namespace cumulens
