#include "core/cnn/guided.h"
#include "core/cnn/ops/ops.h"
#include "core/runtime/error.h"

namespace cumulens {
namespace {

/// An op that works on each element of its one input.
OpPointer elementwise(const std::vector<Shape>& inputs, std::function<at::Tensor(const at::Tensor&)> function) {
  return std::make_unique<FunctionOp>(onlyInput(inputs),
                                      [function = std::move(function)](at::ArrayRef<at::Tensor> x, const Pass&) { return function(x[0]); });
}

/// The same for one that rectifies: it lets positive inputs pass, and is positive for them alone or nearly so. Guided backpropagation has a
/// rule of its own here. What squashes or gates (sigmoid, tanh, softmax …) has its ordinary gradient there too.
OpPointer rectifier(const std::vector<Shape>& inputs, std::function<at::Tensor(const at::Tensor&)> function) {
  return std::make_unique<FunctionOp>(onlyInput(inputs), [function = std::move(function)](at::ArrayRef<at::Tensor> x, const Pass& pass) {
    at::Tensor output = function(x[0]);
    if (pass.guided) guideGradient(output);
    return output;
  });
}

}  // namespace

OpPointer makeRelu(const Attrs&, const std::vector<Shape>& inputs) {
  return rectifier(inputs, [](const at::Tensor& x) { return at::relu(x); });
}

OpPointer makeRelu6(const Attrs&, const std::vector<Shape>& inputs) {
  return rectifier(inputs, [](const at::Tensor& x) { return at::hardtanh(x, 0, 6); });
}

OpPointer makeLeakyRelu(const Attrs& attrs, const std::vector<Shape>& inputs) {
  return rectifier(inputs, [slope = attrs.number("slope")](const at::Tensor& x) { return at::leaky_relu(x, slope); });
}

OpPointer makeSilu(const Attrs&, const std::vector<Shape>& inputs) {
  return rectifier(inputs, [](const at::Tensor& x) { return at::silu(x); });
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
  return rectifier(inputs, [](const at::Tensor& x) { return at::hardswish(x); });
}

OpPointer makeGelu(const Attrs& attrs, const std::vector<Shape>& inputs) {
  return rectifier(inputs, [approximate = attrs.text("approximate")](const at::Tensor& x) { return at::gelu(x, approximate); });
}

OpPointer makeTanh(const Attrs&, const std::vector<Shape>& inputs) {
  return elementwise(inputs, [](const at::Tensor& x) { return at::tanh(x); });
}

OpPointer makeErf(const Attrs&, const std::vector<Shape>& inputs) {
  return elementwise(inputs, [](const at::Tensor& x) { return at::erf(x); });
}

OpPointer makeElu(const Attrs& attrs, const std::vector<Shape>& inputs) {
  return rectifier(inputs, [alpha = attrs.number("alpha")](const at::Tensor& x) { return at::elu(x, alpha); });
}

OpPointer makeSelu(const Attrs&, const std::vector<Shape>& inputs) {
  return rectifier(inputs, [](const at::Tensor& x) { return at::selu(x); });
}

OpPointer makeMish(const Attrs&, const std::vector<Shape>& inputs) {
  return rectifier(inputs, [](const at::Tensor& x) { return at::mish(x); });
}

OpPointer makeSoftplus(const Attrs&, const std::vector<Shape>& inputs) {
  // Exact everywhere: at::softplus turns into x from 20 on.
  return rectifier(inputs, [](const at::Tensor& x) { return at::logaddexp(x, at::zeros({}, x.options())); });
}

OpPointer makeClip(const Attrs& attrs, const std::vector<Shape>& inputs) {
  const double low = attrs.number("min"), high = attrs.number("max");
  check(low < high, ErrorCode::option, "attribute 'min' must be below 'max', got ", low, " and ", high);
  const auto clip = [low, high](const at::Tensor& x) { return at::hardtanh(x, low, high); };
  return low == 0 ? rectifier(inputs, clip) : elementwise(inputs, clip);
}

namespace {

/// x where x > 0, weight·x elsewhere, with a weight for each channel.
class PRelu final : public Op {
 public:
  explicit PRelu(Shape shape) : Op(std::move(shape)) {}
  std::vector<ParameterSpec> parameters() const override { return {{"weight", {outputShape()[0]}, Init::quarters}}; }
  at::Tensor forward(at::ArrayRef<at::Tensor> inputs, at::ArrayRef<at::Tensor> parameters, const Pass& pass) const override {
    at::Tensor output = at::prelu(inputs[0], parameters[0]);
    if (pass.guided) guideGradient(output);
    return output;
  }
};

}  // namespace

OpPointer makePRelu(const Attrs&, const std::vector<Shape>& inputs) { return std::make_unique<PRelu>(onlyInput(inputs)); }

OpPointer makeSoftmax(const Attrs&, const std::vector<Shape>& inputs) {
  return elementwise(inputs, [](const at::Tensor& x) { return at::softmax(x, 1); });
}

}  // namespace cumulens
