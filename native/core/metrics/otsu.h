#pragma once
#include <ATen/core/Tensor.h>

namespace cumulens {

/// Otsu's threshold (1979) of each map: the centre of the bin, of 256 between its smallest and its largest value, behind which a cut makes
/// the variance between the two classes greatest; the first of equals. @param maps [N,1,H,W]. @returns float64 [N]
at::Tensor otsuThreshold(const at::Tensor& maps);

/// How well a map's bright part is the mask (METHOD §9), float64 [N].
struct Overlap {
  at::Tensor iou;           ///< |{E ≥ Otsu} ∩ mask| / |{E ≥ Otsu} ∪ mask|, 0 … 1, higher is better; 0 where undefined
  at::Tensor iouUndefined;  ///< bool [N]: the map is constant or the mask is empty
};

/// @param maps [N,1,H,W] in [0,1] (or uint8), masks the same shape; a pixel is inside where its mask value is at least one half.
/// @throws Error shape, option
Overlap otsuOverlap(const at::Tensor& maps, const at::Tensor& masks);

}  // namespace cumulens
