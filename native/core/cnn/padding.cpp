#include "core/cnn/padding.h"

#include "core/runtime/error.h"

#include <algorithm>

namespace cumulens {
namespace {

/// TensorFlow's 'same': total padding along one axis, split with the odd one at the end.
std::array<int64_t, 2> samePadding(int64_t size, int64_t extent, int64_t stride) {
  const int64_t output = (size + stride - 1) / stride;
  const int64_t total = std::max<int64_t>((output - 1) * stride + extent - size, 0);
  return {total / 2, total - total / 2};
}

void checkPositive(const std::array<int64_t, 2>& values, const char* name) {
  check(values[0] > 0 && values[1] > 0, ErrorCode::option, "attribute '", name, "' must be positive, got [", values[0], ", ", values[1],
        "]");
}

}  // namespace

std::array<int64_t, 2> Window::extent() const { return {(kernel[0] - 1) * dilation[0] + 1, (kernel[1] - 1) * dilation[1] + 1}; }

std::array<int64_t, 2> Window::outputSize(std::array<int64_t, 2> size) const {
  const std::array<int64_t, 2> before{padding.top, padding.left}, after{padding.bottom, padding.right};
  std::array<int64_t, 2> output{};
  for (size_t axis = 0; axis < 2; ++axis) {
    const int64_t room = size[axis] + before[axis] + after[axis] - extent()[axis];
    check(room >= 0, ErrorCode::shape, "a window of ", extent()[0], "×", extent()[1], " does not fit into ", size[0], "×", size[1],
          " padded by [", padding.top, ", ", padding.right, ", ", padding.bottom, ", ", padding.left, "]");
    output[axis] = (room + (ceil ? stride[axis] - 1 : 0)) / stride[axis] + 1;
    // PyTorch's rule for ceil: the last window must start inside the picture or its left padding.
    if (ceil && (output[axis] - 1) * stride[axis] >= size[axis] + before[axis]) --output[axis];
  }
  return output;
}

Window readWindow(const Attrs& attrs, std::array<int64_t, 2> size, bool dilated) {
  Window window;
  window.kernel = attrs.pair("kernel");
  window.stride = attrs.pair("stride");
  if (dilated) window.dilation = attrs.pair("dilation");
  checkPositive(window.kernel, "kernel");
  checkPositive(window.stride, "stride");
  checkPositive(window.dilation, "dilation");
  const auto word = attrs.textIf("padding");
  if (!word) {
    window.padding = readPadding(attrs, "padding");
  } else if (*word == "same") {
    const auto rows = samePadding(size[0], window.extent()[0], window.stride[0]);
    const auto columns = samePadding(size[1], window.extent()[1], window.stride[1]);
    window.padding = {.top = rows[0], .right = columns[1], .bottom = rows[1], .left = columns[0]};
  } else {
    check(*word == "valid", ErrorCode::option, "attribute 'padding' must be 'valid', 'same' or [top, right, bottom, left], got '", *word,
          "'");
  }
  return window;
}

Padding readPadding(const Attrs& attrs, const std::string& name) {
  const std::vector<double> list = attrs.numbers(name);
  check(list.size() == 4 && std::all_of(list.begin(), list.end(), [](double p) { return p >= 0; }), ErrorCode::option, "attribute '", name,
        "' must be four numbers ≥ 0 [top, right, bottom, left]");
  const auto whole = [&](size_t i) { return static_cast<int64_t>(list[i]); };
  return {.top = whole(0), .right = whole(1), .bottom = whole(2), .left = whole(3)};
}

at::Tensor pad(const at::Tensor& images, const Padding& padding, double value) {
  if (padding.none()) return images;
  return at::constant_pad_nd(images, {padding.left, padding.right, padding.top, padding.bottom}, value);
}

}  // namespace cumulens
