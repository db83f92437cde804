#pragma once

#include <ATen/ATen.h>

namespace cumulens::kernels {

/// Maps [N,h,w] resized to `out` [N,H,W] (bilinear, half-pixel centres, no antialias) and, if `normalise`, min–max normalised a map as
/// METHOD §1 says, in one pass over memory: a map stays in the cache from its first reading to its last writing. Float32 on the CPU.
/// @param out dense in each map; maps may lie apart
void resizeMaps(const at::Tensor& maps, const at::Tensor& out, bool normalise);

}  // namespace cumulens::kernels
