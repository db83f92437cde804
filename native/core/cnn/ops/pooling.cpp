#include "core/cnn/ops/ops.h"
#include "core/cnn/padding.h"
#include "core/runtime/error.h"

#include <limits>

namespace cumulens {
namespace {

struct Pool {
  Window window;
  Shape output;
  /// ATen pads both sides alike and at most half the kernel; anything else is padded before.
  bool native;
  std::array<int64_t, 2> nativePadding;
};

Pool readPool(const Attrs& attrs, const std::vector<Shape>& inputs) {
  const Shape& input = onlyImageInput(inputs);
  Window window = readWindow(attrs, {input[1], input[2]}, false);
  window.ceil = attrs.boolean("ceilMode");
  const auto size = window.outputSize({input[1], input[2]});
  const Padding& padding = window.padding;
  check(padding.top < window.kernel[0] && padding.bottom < window.kernel[0] && padding.left < window.kernel[1] &&
            padding.right < window.kernel[1],
        ErrorCode::option, "attribute 'padding' must be smaller than the kernel, or a window would lie outside the picture");
  const bool native = padding.symmetric() && 2 * padding.top <= window.kernel[0] && 2 * padding.left <= window.kernel[1];
  return {window, {input[0], size[0], size[1]}, native, {native ? padding.top : 0, native ? padding.left : 0}};
}

/// Padding that is part of the picture would let a last window begin in it.
at::Tensor withinOutput(const at::Tensor& pooled, const Shape& output) { return pooled.narrow(2, 0, output[1]).narrow(3, 0, output[2]); }

/// The mean over each window; padding counts as zeros in it, or not at all.
class AvgPool2d final : public Op {
 public:
  AvgPool2d(Pool pool, bool countIncludePad) : Op(pool.output), pool_(std::move(pool)), countIncludePad_(countIncludePad) {}

  at::Tensor forward(at::ArrayRef<at::Tensor> inputs, at::ArrayRef<at::Tensor>, const Pass&) const override {
    const Window& w = pool_.window;
    if (pool_.native || countIncludePad_) {
      const at::Tensor images = pool_.native ? inputs[0] : pad(inputs[0], w.padding, 0.0);
      return withinOutput(at::avg_pool2d(images, w.kernel, w.stride, pool_.nativePadding, w.ceil, countIncludePad_), pool_.output);
    }
    return sums(inputs[0]) / sums(at::ones_like(inputs[0].slice(0, 0, 1).slice(1, 0, 1)));
  }

 private:
  at::Tensor sums(const at::Tensor& images) const {
    const Window& w = pool_.window;
    return withinOutput(at::avg_pool2d(pad(images, w.padding, 0.0), w.kernel, w.stride, {0, 0}, w.ceil, true, 1), pool_.output);
  }

  Pool pool_;
  bool countIncludePad_;
};

OpPointer globalPool(const Attrs& attrs, const std::vector<Shape>& inputs, at::Tensor (*function)(const at::Tensor&, bool)) {
  const Shape& input = onlyImageInput(inputs);
  const bool keep = attrs.boolean("keepDims");
  return std::make_unique<FunctionOp>(keep ? Shape{input[0], 1, 1} : Shape{input[0]},
                                      [=](at::ArrayRef<at::Tensor> x, const Pass&) { return function(x[0], keep); });
}

std::array<int64_t, 2> readSize(const Attrs& attrs) {
  const auto size = attrs.pair("size");
  check(size[0] > 0 && size[1] > 0, ErrorCode::option, "attribute 'size' must be positive, got ", size[0], "×", size[1]);
  return size;
}

}  // namespace

OpPointer makeMaxPool2d(const Attrs& attrs, const std::vector<Shape>& inputs) {
  const Pool pool = readPool(attrs, inputs);
  return std::make_unique<FunctionOp>(pool.output, [pool](at::ArrayRef<at::Tensor> x, const Pass&) {
    const Window& w = pool.window;
    const at::Tensor images = pool.native ? x[0] : pad(x[0], w.padding, -std::numeric_limits<double>::infinity());
    return withinOutput(at::max_pool2d(images, w.kernel, w.stride, pool.nativePadding, {1, 1}, w.ceil), pool.output);
  });
}

OpPointer makeAvgPool2d(const Attrs& attrs, const std::vector<Shape>& inputs) {
  return std::make_unique<AvgPool2d>(readPool(attrs, inputs), attrs.boolean("countIncludePad"));
}

OpPointer makeGlobalMaxPool2d(const Attrs& attrs, const std::vector<Shape>& inputs) {
  // As a max over one axis, so that a tie sends its gradient to one pixel, like maxPool2d does.
  return globalPool(attrs, inputs, [](const at::Tensor& x, bool keep) {
    const at::Tensor flat = std::get<0>(x.flatten(2).max(2));
    return keep ? flat.unsqueeze(-1).unsqueeze(-1) : flat;
  });
}

OpPointer makeGlobalAvgPool2d(const Attrs& attrs, const std::vector<Shape>& inputs) {
  return globalPool(attrs, inputs, [](const at::Tensor& x, bool keep) { return x.mean({2, 3}, keep); });
}

OpPointer makeAdaptiveMaxPool2d(const Attrs& attrs, const std::vector<Shape>& inputs) {
  const auto size = readSize(attrs);
  return std::make_unique<FunctionOp>(Shape{onlyImageInput(inputs)[0], size[0], size[1]}, [size](at::ArrayRef<at::Tensor> x, const Pass&) {
    return std::get<0>(at::adaptive_max_pool2d(x[0], size));
  });
}

OpPointer makeAdaptiveAvgPool2d(const Attrs& attrs, const std::vector<Shape>& inputs) {
  const auto size = readSize(attrs);
  return std::make_unique<FunctionOp>(Shape{onlyImageInput(inputs)[0], size[0], size[1]},
                                      [size](at::ArrayRef<at::Tensor> x, const Pass&) { return at::adaptive_avg_pool2d(x[0], size); });
}

}  // namespace cumulens
