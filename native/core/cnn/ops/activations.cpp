#include "core/cnn/ops/ops.h"
#include "core/runtime/error.h"

namespace cumulens {
namespace {

/// An op that works on each element of its one input.
OpPointer elementwise(const std::vector<Shape>& inputs, std::function<at::Tensor(const at::Tensor&)> function) {
  return std::make_unique<FunctionOp>(onlyInput(inputs),
                                      [function = std::move(function)](at::ArrayRef<at::Tensor> x, const Pass&) { return function(x[0]); });
}

}  // namespace

OpPointer makeRelu(const Attrs&, const std::vector<Shape>& inputs) {
  return elementwise(inputs, [](const at::Tensor& x) { return at::relu(x); });
}

OpPointer makeRelu6(const Attrs&, const std::vector<Shape>& inputs) {
  return elementwise(inputs, [](const at::Tensor& x) { return at::hardtanh(x, 0, 6); });
}

OpPointer makeLeakyRelu(const Attrs& attrs, const std::vector<Shape>& inputs) {
  return elementwise(inputs, [slope = attrs.number("slope")](const at::Tensor& x) { return at::leaky_relu(x, slope); });
}

OpPointer makeSilu(const Attrs&, const std::vector<Shape>& inputs) {
  return elementwise(inputs, [](const at::Tensor& x) { return at::silu(x); });
}

OpPointer makeSigmoid(const Attrs&, const std::vector<Shape>& inputs) {
  return elementwise(inputs, [](const at::Tensor& x) { return at::sigmoid(x); });
}

OpPointer makeHardSigmoid(const Attrs& attrs, const std::vector<Shape>& inputs) {
  return elementwise(inputs, [alpha = attrs.number("alpha"), beta = attrs.number("beta")](const at::Tensor& x) {
    return at::clamp(x * alpha + beta, 0, 1);
  });
}

OpPointer makeHardSwish(const Attrs&, const std::vector<Shape>& inputs) {
  return elementwise(inputs, [](const at::Tensor& x) { return at::hardswish(x); });
}

OpPointer makeSoftmax(const Attrs&, const std::vector<Shape>& inputs) {
  return elementwise(inputs, [](const at::Tensor& x) { return at::softmax(x, 1); });
}

}  // namespace cumulens
