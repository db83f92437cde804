#include "core/metrics/sensitivity.h"

#include <ATen/ATen.h>

#include "core/metrics/unit_maps.h"
#include "core/runtime/counter_random.h"
#include "core/runtime/error.h"

namespace cumulens {

at::Tensor shakeImages(const at::Tensor& images, double radius, std::uint64_t seed, std::int64_t first, std::int64_t draw) {
  check(images.dim() == 4 && images.size(0) > 0, ErrorCode::shape, "images must be [N, C, H, W] with N ≥ 1, got ", images.sizes());
  check(draw >= 0, ErrorCode::option, "draw: expected 0 or more, got ", draw);
  const at::NoGradGuard noGrad;
  const at::Tensor unit = toUnit(images, images.options().dtype(images.is_floating_point() ? images.scalar_type() : at::kFloat));
  const std::int64_t values = unit[0].numel();
  const at::Tensor noise =
      counterUniform({seed, RandomStream::sensitivity, first, unit.size(0), draw * values, values}, unit.options()).view_as(unit);
  return unit + (noise * 2 - 1) * radius;
}

MapChange mapChange(const at::Tensor& maps, const at::Tensor& others) {
  checkMapPair(maps, others, "sensitivity");
  const at::NoGradGuard noGrad;
  const at::Tensor before = toUnitDouble(maps).flatten(1), after = toUnitDouble(others).to(before.device()).flatten(1);
  const at::Tensor size = before.square().sum(1).sqrt();
  MapChange result;
  result.changeUndefined = size == 0;
  result.change = at::where(result.changeUndefined, 0.0, (after - before).square().sum(1).sqrt() / size);
  return result;
}

}  // namespace cumulens
