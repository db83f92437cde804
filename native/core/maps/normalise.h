#pragma once

#include <ATen/ATen.h>

#include <array>

namespace cumulens {

/// Maps [N,h,w] resized to `size` [height, width]: bilinear, half-pixel centres, no antialias.
at::Tensor resizeMaps(const at::Tensor& maps, std::array<int64_t, 2> size);

/// Maps [N,h,w] resized and then min–max normalised a sample to [0,1]. A map whose range before the resize is ≤ 1e-6·max|M| becomes zeros.
at::Tensor resizeAndNormalise(const at::Tensor& maps, std::array<int64_t, 2> size);

/// The same, written into `out` [N,H,W]: a slice of a larger tensor, say.
void finishMaps(const at::Tensor& maps, bool normalise, const at::Tensor& out);

}  // namespace cumulens
