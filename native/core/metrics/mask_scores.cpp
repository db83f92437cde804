#include "core/metrics/mask_scores.h"

#include <ATen/ATen.h>

#include "core/metrics/unit_maps.h"

namespace cumulens {

MaskScores scoreInMasks(const at::Tensor& maps, const at::Tensor& masks) {
  checkMapPair(maps, masks, "mask scores");
  const at::NoGradGuard noGrad;
  const at::Tensor energy = toUnitDouble(maps).flatten(1);
  const at::Tensor inside = insideMasks(masks);
  const at::Tensor total = energy.sum(1);
  MaskScores scores;
  scores.pointingUndefined = inside.any(1).logical_not();
  scores.energyUndefined = at::logical_or(total == 0, scores.pointingUndefined);
  scores.energyInMask = at::where(scores.energyUndefined, 0.0, (energy * inside).sum(1) / total);
  const at::Tensor brightest = energy == energy.amax(1, /*keepdim=*/true);
  scores.pointingGame = brightest.logical_and(inside).any(1).to(at::kDouble);
  return scores;
}

}  // namespace cumulens
