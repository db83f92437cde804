#include "core/metrics/unit_maps.h"

#include <ATen/ATen.h>

#include <array>

#include "core/runtime/error.h"

namespace cumulens {

at::Tensor toUnitDouble(const at::Tensor& maps) { return toUnit(maps, maps.options().dtype(at::kDouble)); }

at::Tensor toUnit(const at::Tensor& values, const at::TensorOptions& options) {
  const at::Tensor converted = values.to(options);
  return values.scalar_type() == at::kByte ? converted.div(255.0) : converted;
}

void checkMaps(const at::Tensor& maps) {
  check(maps.dim() == 4 && maps.size(1) == 1, ErrorCode::shape, "maps have shape ", maps.sizes(), ", expected [N, 1, H, W]");
}

void checkMapsOf(const at::Tensor& images, const at::Tensor& maps) {
  const std::array<std::int64_t, 4> expected{images.size(0), 1, images.size(2), images.size(3)};
  check(maps.sizes() == at::IntArrayRef(expected), ErrorCode::shape, "maps have shape ", maps.sizes(), " for images ", images.sizes(),
        ", expected ", at::IntArrayRef(expected));
}

at::Tensor insideMasks(const at::Tensor& masks) { return toUnitDouble(masks).flatten(1).ge(0.5); }

at::Tensor checkedMaps(const at::Tensor& maps) {
  constexpr double kRounding = 1e-6;
  const at::Tensor values = toUnit(maps, maps.options().dtype(at::kFloat));
  if (values.numel() == 0) return values;
  const auto lowest = values.min().item<double>(), highest = values.max().item<double>();
  // Neither holds for NaN.
  check(lowest >= -kRounding && highest <= 1 + kRounding, ErrorCode::option, "maps must lie in [0, 1], got ", lowest, " … ", highest);
  return values.clamp(0, 1);
}

void checkMapPair(const at::Tensor& maps, const at::Tensor& others, const std::string& what) {
  check(maps.dim() == 4 && maps.size(1) == 1, ErrorCode::shape, what, ": maps have shape ", maps.sizes(), ", expected [N, 1, H, W]");
  check(others.sizes() == maps.sizes(), ErrorCode::shape, what, ": shapes differ: ", maps.sizes(), " and ", others.sizes());
}

}  // namespace cumulens
