#pragma once

#include <ATen/ATen.h>

#include <array>

namespace cumulens {

/// Maps [N,H,W] resized to `size` [height, width] (bilinear, half-pixel centres, no antialias) and then min–max
/// normalised a sample to [0,1]. A map whose range before the resize is ≤ 1e-6·max|M| becomes zeros.
at::Tensor resizeAndNormalise(const at::Tensor& maps, std::array<int64_t, 2> size);

}  // namespace cumulens
