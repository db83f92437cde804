#include "core/cnn/ops/ops.h"
#include "core/cnn/padding.h"
#include "core/runtime/error.h"

#include <functional>
#include <numeric>

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

int64_t countOf(const Shape& shape) { return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>()); }

bool readsChannelsLast(const Attrs& attrs) {
  const std::string& order = attrs.text("order");
  check(order == "chw" || order == "hwc", ErrorCode::option, "attribute 'order' must be 'chw' or 'hwc', got '", order, "'");
  return order == "hwc";
}

Shape readShape(const Attrs& attrs) {
  Shape shape;
  for (const double size : attrs.numbers("shape")) shape.push_back(static_cast<int64_t>(size));
  check(shape.size() == 1 || shape.size() == 3, ErrorCode::option, "attribute 'shape' must be [F] or [C, H, W], got ", shapeText(shape));
  return shape;
}

/// Bilinear where output i lies at input i / scale, and the edges are repeated.
at::Tensor upsampleFromCorners(const at::Tensor& x, std::array<int64_t, 2> size) {
  // Of n + 1 values to n·scale + 1, corners on corners, the steps are 1 / scale.
  const at::Tensor repeated = at::replication_pad2d(x, {0, 1, 0, 1});
  return at::upsample_bilinear2d(repeated, {size[0] + 1, size[1] + 1}, /*align_corners=*/true).narrow(2, 0, size[0]).narrow(3, 0, size[1]);
}

}  // namespace

OpPointer makeFlatten(const Attrs& attrs, const std::vector<Shape>& inputs) {
  const Shape& input = onlyInput(inputs);
  const int64_t features = countOf(input);
  const bool channelsLast = readsChannelsLast(attrs) && input.size() == 3;
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

OpPointer makeReshape(const Attrs& attrs, const std::vector<Shape>& inputs) {
  const Shape &input = onlyInput(inputs), output = readShape(attrs);
  check(countOf(input) == countOf(output), ErrorCode::shape, "cannot make ", shapeText(output), " of ", shapeText(input));
  const bool channelsLast = readsChannelsLast(attrs);
  return std::make_unique<FunctionOp>(output, [output, channelsLast](at::ArrayRef<at::Tensor> x, const Pass&) {
    const at::Tensor values = (channelsLast && x[0].dim() == 4 ? x[0].movedim(1, 3) : x[0]).flatten(1);
    if (output.size() == 1) return values;
    if (!channelsLast) return values.reshape({-1, output[0], output[1], output[2]});
    return values.reshape({-1, output[1], output[2], output[0]}).movedim(3, 1);
  });
}

OpPointer makeCrop2d(const Attrs& attrs, const std::vector<Shape>& inputs) {
  const Shape& input = onlyImageInput(inputs);
  const Padding crop = readPadding(attrs, "padding");
  const Shape output{input[0], input[1] - crop.top - crop.bottom, input[2] - crop.left - crop.right};
  check(output[1] > 0 && output[2] > 0, ErrorCode::shape, "leaves nothing of ", shapeText(input));
  return std::make_unique<FunctionOp>(output, [crop, output](at::ArrayRef<at::Tensor> x, const Pass&) {
    return x[0].narrow(2, crop.top, output[1]).narrow(3, crop.left, output[2]);
  });
}

OpPointer makeUpsample2d(const Attrs& attrs, const std::vector<Shape>& inputs) {
  const Shape& input = onlyImageInput(inputs);
  const auto scale = attrs.pair("scale");
  check(scale[0] > 0 && scale[1] > 0, ErrorCode::option, "attribute 'scale' must be positive, got ", scale[0], "×", scale[1]);
  const std::array<int64_t, 2> size{input[1] * scale[0], input[2] * scale[1]};
  const std::string mode = attrs.text("mode");
  return std::make_unique<FunctionOp>(Shape{input[0], size[0], size[1]}, [size, mode](at::ArrayRef<at::Tensor> x, const Pass&) {
    if (mode == "nearest") return at::upsample_nearest2d(x[0], size);
    if (mode == "bilinear") return at::upsample_bilinear2d(x[0], size, /*align_corners=*/false);
    return upsampleFromCorners(x[0], size);
  });
}

OpPointer makeSlice(const Attrs& attrs, const std::vector<Shape>& inputs) {
  Shape output = onlyInput(inputs);
  const int64_t begin = attrs.integer("begin"), end = attrs.integer("end");
  check(begin >= 0 && begin < end && end <= output[0], ErrorCode::shape, "cannot take channels ", begin, " … ", end - 1, " of ",
        shapeText(output));
  output[0] = end - begin;
  return std::make_unique<FunctionOp>(output, [=](at::ArrayRef<at::Tensor> x, const Pass&) { return x[0].slice(1, begin, end); });
}

OpPointer makeChannelShuffle(const Attrs& attrs, const std::vector<Shape>& inputs) {
  const Shape& input = onlyImageInput(inputs);
  const int64_t groups = attrs.integer("groups");
  check(groups > 0 && input[0] % groups == 0, ErrorCode::option, "attribute 'groups' must divide the ", input[0], " channels, got ",
        groups);
  return std::make_unique<FunctionOp>(input, [groups](at::ArrayRef<at::Tensor> x, const Pass&) {
    return x[0].unflatten(1, {groups, -1}).transpose(1, 2).flatten(1, 2);
  });
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
  const bool perSample = attrs.text("per") == "sample";
  return std::make_unique<FunctionOp>(onlyInput(inputs), [rate, perSample](at::ArrayRef<at::Tensor> x, const Pass& pass) {
    if (!pass.training || rate == 0) return x[0];
    const at::Tensor like = perSample ? x[0].flatten(1).select(1, 0) : x[0];
    at::Tensor keep = at::empty_like(like).bernoulli_(1 - rate, pass.generator);
    while (keep.dim() < x[0].dim()) keep = keep.unsqueeze(-1);
    return x[0] * keep / (1 - rate);
  });
}

}  // namespace cumulens
