#include "core/cnn/ops/ops.h"
#include "core/runtime/error.h"

namespace cumulens {
namespace {

/// x·weightᵀ + bias over the features of [F], or over the channels of each pixel of [C, H, W]; weights [units, features].
class Linear final : public Op {
 public:
  Linear(int64_t features, Shape output, bool bias) : Op(std::move(output)), features_(features), bias_(bias) {}

  std::vector<ParameterSpec> parameters() const override {
    std::vector<ParameterSpec> list{{"weight", {outputShape()[0], features_}, Init::fanInUniform}};
    if (bias_) list.push_back({"bias", {outputShape()[0]}, Init::zeros});
    return list;
  }

  at::Tensor forward(at::ArrayRef<at::Tensor> inputs, at::ArrayRef<at::Tensor> parameters, const Pass&) const override {
    const at::Tensor bias = bias_ ? parameters[1] : at::Tensor();
    if (inputs[0].dim() == 2) return at::linear(inputs[0], parameters[0], bias);
    return at::linear(inputs[0].movedim(1, 3), parameters[0], bias).movedim(3, 1);
  }

 private:
  int64_t features_;
  bool bias_;
};

}  // namespace

OpPointer makeLinear(const Attrs& attrs, const std::vector<Shape>& inputs) {
  const Shape& input = onlyInput(inputs);
  const int64_t units = attrs.integer("units");
  check(units > 0, ErrorCode::option, "attribute 'units' must be positive, got ", units);
  Shape output = input;
  output[0] = units;
  return std::make_unique<Linear>(input[0], output, attrs.boolean("bias"));
}

}  // namespace cumulens
