#pragma once

#include "core/cnn/attrs.h"

#include <ATen/ATen.h>

#include <array>

namespace cumulens {

/// Zeros (or −inf, before a max) to put around a picture, in pixels.
struct Padding {
  int64_t top = 0, right = 0, bottom = 0, left = 0;
  bool symmetric() const { return top == bottom && left == right; }
  bool none() const { return top == 0 && right == 0 && bottom == 0 && left == 0; }
};

/// A sliding window: its size, step, dilation and padding, in [height, width] order.
struct Window {
  std::array<int64_t, 2> kernel{1, 1};
  std::array<int64_t, 2> stride{1, 1};
  std::array<int64_t, 2> dilation{1, 1};
  Padding padding;
  bool ceil = false;

  /// Rows and columns the window covers: (kernel − 1)·dilation + 1.
  std::array<int64_t, 2> extent() const;
  /// Output size for an input of `size` [height, width]. @throws Error shape if the window does not fit.
  std::array<int64_t, 2> outputSize(std::array<int64_t, 2> size) const;
};

/// Reads kernel, stride, dilation (where given) and padding: 'valid', 'same' or [top, right, bottom, left].
/// 'same' is TensorFlow's rule: the output is ceil(size/stride), and where the padding is odd the extra
/// row or column lies at the bottom or right.
Window readWindow(const Attrs& attrs, std::array<int64_t, 2> size, bool dilated);

/// Reads an attribute of four non-negative numbers [top, right, bottom, left].
Padding readPadding(const Attrs& attrs, const std::string& name);

/// The picture with `padding` around it, filled with `value`.
at::Tensor pad(const at::Tensor& images, const Padding& padding, double value);

}  // namespace cumulens
