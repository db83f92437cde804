#pragma once

#include <ATen/ATen.h>

namespace cumulens::kernels {

/// Σ_c w_c·A_c of each image, in one pass over the activations as they lie: channels last or first, any other layout is copied first.
/// @param weights float32 [N,C], @param activations float32 [N,C,H,W], both on the CPU. @returns [N,H,W]
at::Tensor weighChannels(const at::Tensor& weights, const at::Tensor& activations);

}  // namespace cumulens::kernels
