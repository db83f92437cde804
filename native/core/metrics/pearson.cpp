#include "core/metrics/pearson.h"

#include <ATen/ATen.h>

#include "core/metrics/unit_maps.h"

namespace cumulens {

Correlation correlateMaps(const at::Tensor& maps, const at::Tensor& others) {
  checkMapPair(maps, others, "correlation");
  const at::NoGradGuard noGrad;
  const at::Tensor a = toUnitDouble(maps).flatten(1), b = toUnitDouble(others).to(a.device()).flatten(1);
  const at::Tensor da = a - a.mean(1, true);
  const at::Tensor db = b - b.mean(1, true);
  Correlation result;
  // Range, not variance, tells a constant map: its mean is rounded, so its variance need not be exactly 0.
  result.pearsonUndefined = (a.amax(1) == a.amin(1)).logical_or(b.amax(1) == b.amin(1));
  const at::Tensor norm = (da.square().sum(1) * db.square().sum(1)).sqrt();
  result.pearson = at::where(result.pearsonUndefined, 0.0, ((da * db).sum(1) / norm).clamp(-1, 1));
  return result;
}

}  // namespace cumulens
