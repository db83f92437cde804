#include "core/metrics/map_statistics.h"

#include <ATen/ATen.h>

#include "core/metrics/unit_maps.h"

namespace cumulens {

MapStatistics mapStatistics(const at::Tensor& maps) {
  const at::NoGradGuard noGrad;
  checkMaps(maps);
  const at::Tensor sorted = std::get<0>(checkedMaps(maps).to(at::kDouble).flatten(1).sort(1));
  const auto pixels = sorted.size(1);
  const at::Tensor weights = 2 * at::arange(1, pixels + 1, sorted.options()) - static_cast<double>(pixels + 1);
  MapStatistics statistics;
  statistics.complexity = sorted.mean(1);
  statistics.sparsenessUndefined = sorted.select(1, 0) == sorted.select(1, -1);
  const at::Tensor gini = at::mv(sorted, weights) / (sorted.sum(1) * static_cast<double>(pixels));
  statistics.sparseness = at::where(statistics.sparsenessUndefined, 0.0, gini);
  return statistics;
}

}  // namespace cumulens
