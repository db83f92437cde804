#include "core/metrics/unit_maps.h"

#include <ATen/ATen.h>

#include "core/runtime/error.h"

namespace cumulens {

at::Tensor toUnitDouble(const at::Tensor& maps) {
  const at::Tensor values = maps.to(at::kDouble);
  return maps.scalar_type() == at::kByte ? values.div(255.0) : values;
}

void checkMapPair(const at::Tensor& maps, const at::Tensor& others, const std::string& what) {
  check(maps.dim() == 4 && maps.size(1) == 1, ErrorCode::shape, what, ": maps have shape ", maps.sizes(), ", expected [N, 1, H, W]");
  check(others.sizes() == maps.sizes(), ErrorCode::shape, what, ": shapes differ: ", maps.sizes(), " and ", others.sizes());
}

}  // namespace cumulens
