#include "core/cnn/ops/ops.h"
#include "core/runtime/error.h"

namespace cumulens {
namespace {

/// x·weightᵀ + bias; weights [units, features].
class Linear final : public Op {
 public:
  Linear(int64_t features, int64_t units, bool bias) : Op({units}), features_(features), bias_(bias) {}

  std::vector<ParameterSpec> parameters() const override {
    std::vector<ParameterSpec> list{{"weight", {outputShape()[0], features_}, Init::fanInUniform}};
    if (bias_) list.push_back({"bias", {outputShape()[0]}, Init::zeros});
    return list;
  }

  at::Tensor forward(at::ArrayRef<at::Tensor> inputs, at::ArrayRef<at::Tensor> parameters, const Pass&) const override {
    return at::linear(inputs[0], parameters[0], bias_ ? parameters[1] : at::Tensor());
  }

 private:
  int64_t features_;
  bool bias_;
};

}  // namespace

OpPointer makeLinear(const Attrs& attrs, const std::vector<Shape>& inputs) {
  const Shape& input = onlyInput(inputs);
  check(input.size() == 1, ErrorCode::shape, "takes a flat input [F], got ", shapeText(input),
        "; put a flatten or a global pooling before it");
  const int64_t units = attrs.integer("units");
  check(units > 0, ErrorCode::option, "attribute 'units' must be positive, got ", units);
  return std::make_unique<Linear>(input[0], units, attrs.boolean("bias"));
}

}  // namespace cumulens
