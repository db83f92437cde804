#pragma once
#include <ATen/core/Tensor.h>

namespace cumulens {

/// How much of a map lies where the evidence is known to lie, one value a sample (float64 [N]).
struct MaskScores {
  at::Tensor energyInMask;       ///< Σ E·mask / Σ E, 0 … 1, higher is better; 0 where undefined
  at::Tensor energyUndefined;    ///< bool [N]: the map is all zeros, or the mask is empty
  at::Tensor pointingGame;       ///< 1 if any pixel of the map's maximum lies inside the mask, else 0 (Zhang et al. 2016, no tolerance)
  at::Tensor pointingUndefined;  ///< bool [N]: the mask is empty
};

/// METHOD §9, with masks.
/// @param maps [N,1,H,W] in [0,1] (or uint8), masks the same shape; a pixel is inside where its mask value is at least one half.
/// @throws Error{shape}
MaskScores scoreInMasks(const at::Tensor& maps, const at::Tensor& masks);

}  // namespace cumulens
