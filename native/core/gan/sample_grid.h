#pragma once

#include <ATen/ATen.h>

#include "core/gan/generator.h"

namespace cumulens {

/// A picture of what a generator draws, a row a sample: image | P conditions | target | generated, maps in viridis, a gap of 2 pixels.
/// @param image uint8 [N,3,S,S], conditions uint8 [N,P,S,S], target uint8 [N,1,S,S], or [N,3,S,S] where it is coloured
/// @returns uint8 RGB [height,width,3] on the CPU
at::Tensor sampleGrid(const Generator& generator, const at::Tensor& image, const at::Tensor& conditions, const at::Tensor& target,
                      const CancelToken& cancel);

}  // namespace cumulens
