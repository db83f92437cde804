#include "core/cnn/ops/ops.h"
#include "core/cnn/padding.h"
#include "core/runtime/error.h"

namespace cumulens {
namespace {

constexpr std::array<int64_t, 2> kOnes{1, 1}, kNone{0, 0};

/// Cross-correlation; `groups` = C makes it depthwise. Weights [filters, C/groups, kh, kw].
class Conv2d final : public Op {
 public:
  Conv2d(Shape input, Shape output, Window window, int64_t groups, bool bias)
      : Op(std::move(output)), input_(std::move(input)), window_(window), groups_(groups), bias_(bias) {}

  std::vector<ParameterSpec> parameters() const override {
    const int64_t filters = outputShape()[0];
    std::vector<ParameterSpec> list{{"weight", {filters, input_[0] / groups_, window_.kernel[0], window_.kernel[1]}, Init::heNormal}};
    if (bias_) list.push_back({"bias", {filters}, Init::zeros});
    return list;
  }

  at::Tensor forward(at::ArrayRef<at::Tensor> inputs, at::ArrayRef<at::Tensor> parameters, const Pass&) const override {
    const Padding& padding = window_.padding;
    const at::Tensor bias = bias_ ? parameters[1] : at::Tensor();
    // The convolution itself pads both sides alike; only an uneven padding costs a copy.
    const bool even = padding.symmetric();
    const std::array<int64_t, 2> both = even ? std::array<int64_t, 2>{padding.top, padding.left} : kNone;
    const at::Tensor images = even ? inputs[0] : pad(inputs[0], padding, 0.0);
    if (skipsPixels() && images.is_cpu() && parameters[0].requires_grad())
      return at::conv2d(everyOther(images), parameters[0], bias, kOnes, kNone, kOnes, groups_);
    return at::conv2d(images, parameters[0], bias, window_.stride, both, window_.dilation, groups_);
  }

 private:
  /// Whether it is one of those of which oneDNN's gradient by the weights writes beyond its scratch memory: strided, of 1×1 pixels and
  /// fewer channels than a register holds (https://github.com/uxlfoundation/oneDNN/issues/6035). Without the pixels between it needs no
  /// stride.
  bool skipsPixels() const {
    constexpr int64_t kRegister = 16;
    return window_.kernel == kOnes && window_.stride != kOnes && window_.padding.none() && input_[0] / groups_ < kRegister;
  }

  at::Tensor everyOther(const at::Tensor& images) const {
    return images.slice(2, 0, {}, window_.stride[0]).slice(3, 0, {}, window_.stride[1]);
  }

  Shape input_;
  Window window_;
  int64_t groups_;
  bool bias_;
};

}  // namespace

OpPointer makeConv2d(const Attrs& attrs, const std::vector<Shape>& inputs) {
  const Shape& input = onlyImageInput(inputs);
  const int64_t filters = attrs.integer("filters"), groups = attrs.integer("groups");
  check(filters > 0, ErrorCode::option, "attribute 'filters' must be positive, got ", filters);
  check(groups > 0 && input[0] % groups == 0 && filters % groups == 0, ErrorCode::shape, "groups = ", groups,
        " must divide both the input's ", input[0], " channels and the ", filters, " filters");
  const Window window = readWindow(attrs, {input[1], input[2]}, true);
  const auto size = window.outputSize({input[1], input[2]});
  return std::make_unique<Conv2d>(input, Shape{filters, size[0], size[1]}, window, groups, attrs.boolean("bias"));
}

}  // namespace cumulens
