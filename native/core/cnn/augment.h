#pragma once

#include <ATen/ATen.h>

namespace cumulens {

/// Random changes of a training batch, all samples at once on the batch's device.
struct AugmentOptions {
  bool flip = true;         ///< mirror left to right with probability 1/2
  int64_t cropPadding = 0;  ///< pad each side by this many black pixels and crop back at a random place
};

/// @param images [N,C,H,W] of any dtype. @returns the same shape and dtype; all draws come from `generator`.
at::Tensor augment(const at::Tensor& images, const AugmentOptions& options, const at::Generator& generator);

}  // namespace cumulens
