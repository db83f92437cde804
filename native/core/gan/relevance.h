#pragma once

#include <ATen/ATen.h>

#include "core/gan/generator.h"

namespace cumulens {

/// METHOD §8: R_k = Σ_pixels |G(x, C) − G(x, C with slice k replaced)| of the raw output (its channels' mean where it has three).
/// @param images [N,3,S,S] and conditions [N,P,S,S], uint8 or float in [0,1].
/// @param replacements [N,P,S,S], or [1,P,S,S] for all samples: what stands in each slice's place.
/// @param batch network passes at once: a sample takes P + 1. @returns float64 [N,P] on the CPU. @throws Error shape, option, aborted.
at::Tensor replacementRelevance(const Generator& generator, const at::Tensor& images, const at::Tensor& conditions,
                                const at::Tensor& replacements, int64_t batch, const CancelToken& cancel);

/// METHOD §8: Σ_pixels |C_k·∂ΣG/∂C_k|, as above. @param batch samples at once.
at::Tensor gradientRelevance(const Generator& generator, const at::Tensor& images, const at::Tensor& conditions, int64_t batch,
                             const CancelToken& cancel);

}  // namespace cumulens
