#include "core/cnn/ops/ops.h"
#include "core/cnn/padding.h"
#include "core/runtime/error.h"

namespace cumulens {
namespace {

/// One value for each channel, shaped to broadcast over a batch of `shape`.
at::Tensor perChannel(const Attrs& attrs, const std::string& name, const Shape& shape) {
  const std::vector<double> values = attrs.numbers(name);
  const auto count = static_cast<int64_t>(values.size());
  check(count == 1 || count == shape[0], ErrorCode::shape, "attribute '", name, "' must be one number or one for each of ", shape[0],
        " channels, got ", count);
  Shape broadcast(shape.size() + 1, 1);
  broadcast[1] = count;
  return at::tensor(values, at::kDouble).reshape(broadcast);
}

}  // namespace

OpPointer makeFlatten(const Attrs& attrs, const std::vector<Shape>& inputs) {
  const Shape& input = onlyInput(inputs);
  int64_t features = 1;
  for (const int64_t size : input) features *= size;
  const std::string& order = attrs.text("order");
  check(order == "chw" || order == "hwc", ErrorCode::option, "attribute 'order' must be 'chw' or 'hwc', got '", order, "'");
  const bool channelsLast = order == "hwc" && input.size() == 3;
  return std::make_unique<FunctionOp>(Shape{features}, [channelsLast](at::ArrayRef<at::Tensor> x, const Pass&) {
    // `reshape` walks the logical order, whatever the memory layout is.
    return (channelsLast ? x[0].permute({0, 2, 3, 1}) : x[0]).flatten(1);
  });
}

OpPointer makeZeroPad2d(const Attrs& attrs, const std::vector<Shape>& inputs) {
  const Shape& input = onlyImageInput(inputs);
  const Padding padding = readPadding(attrs, "padding");
  const Shape output{input[0], input[1] + padding.top + padding.bottom, input[2] + padding.left + padding.right};
  return std::make_unique<FunctionOp>(output, [padding](at::ArrayRef<at::Tensor> x, const Pass&) { return pad(x[0], padding, 0.0); });
}

OpPointer makeRescale(const Attrs& attrs, const std::vector<Shape>& inputs) {
  const Shape& input = onlyInput(inputs);
  const at::Tensor scale = perChannel(attrs, "scale", input), offset = perChannel(attrs, "offset", input);
  return std::make_unique<FunctionOp>(input, [scale, offset](at::ArrayRef<at::Tensor> x, const Pass&) {
    return x[0] * scale.to(x[0].options()) + offset.to(x[0].options());
  });
}

OpPointer makeDropout(const Attrs& attrs, const std::vector<Shape>& inputs) {
  const double rate = attrs.number("rate");
  check(rate >= 0 && rate < 1, ErrorCode::option, "attribute 'rate' must lie in [0, 1), got ", rate);
  return std::make_unique<FunctionOp>(onlyInput(inputs), [rate](at::ArrayRef<at::Tensor> x, const Pass& pass) {
    if (!pass.training || rate == 0) return x[0];
    const at::Tensor keep = at::empty_like(x[0]).bernoulli_(1 - rate, pass.generator);
    return x[0] * keep / (1 - rate);
  });
}

}  // namespace cumulens
