#include "core/metrics/otsu.h"

#include <ATen/ATen.h>

#include "core/metrics/unit_maps.h"

namespace cumulens {
namespace {

constexpr std::int64_t kBins = 256;

/// Counts [N,256] of values [N,M] in bins of equal width between each row's smallest and largest value.
at::Tensor histogram(const at::Tensor& values, const at::Tensor& lowest, const at::Tensor& width) {
  const at::Tensor bin = ((values - lowest) / width).to(at::kLong).clamp(0, kBins - 1);
  return at::zeros({values.size(0), kBins}, values.options()).scatter_add_(1, bin, at::ones_like(values));
}

}  // namespace

at::Tensor otsuThreshold(const at::Tensor& maps) {
  const at::Tensor values = toUnitDouble(maps).flatten(1);
  const at::Tensor lowest = values.amin(1, true);
  const at::Tensor range = values.amax(1, true) - lowest;
  const at::Tensor width = at::where(range > 0, range, 1.0) / static_cast<double>(kBins);
  const at::Tensor counts = histogram(values, lowest, width);
  const at::Tensor centres = lowest + (at::arange(kBins, values.options()) + 0.5) * width;
  // Of a cut behind bin k: how many values lie below and above, and their means.
  const at::Tensor below = counts.cumsum(1), sum = (counts * centres).cumsum(1);
  const at::Tensor all = below.slice(1, -1), total = sum.slice(1, -1);
  const at::Tensor above = (all - below).slice(1, 0, -1), under = below.slice(1, 0, -1), sumUnder = sum.slice(1, 0, -1);
  const at::Tensor apart = sumUnder / under - (total - sumUnder) / above;
  const at::Tensor variance = at::where(above > 0, under * above * apart.square(), 0.0);
  return centres.gather(1, variance.argmax(1, true)).squeeze(1);
}

Overlap otsuOverlap(const at::Tensor& maps, const at::Tensor& masks) {
  checkMapPair(maps, masks, "overlap");
  const at::NoGradGuard noGrad;
  const at::Tensor values = checkedMaps(maps).to(at::kDouble).flatten(1);
  const at::Tensor inside = insideMasks(masks).to(values.device());
  const at::Tensor bright = values >= otsuThreshold(values).unsqueeze(1);
  const auto count = [](const at::Tensor& pixels) { return pixels.sum(1).to(at::kDouble); };
  Overlap overlap;
  overlap.iouUndefined = at::logical_or(values.amax(1) == values.amin(1), inside.any(1).logical_not());
  const at::Tensor ratio = count(at::logical_and(bright, inside)) / count(at::logical_or(bright, inside));
  overlap.iou = at::where(overlap.iouUndefined, 0.0, ratio);
  return overlap;
}

}  // namespace cumulens
