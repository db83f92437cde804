#include "core/metrics/pixel_ranks.h"

#include <ATen/ATen.h>

#include "core/runtime/counter_random.h"

namespace cumulens {

at::Tensor pixelRanks(const at::Tensor& maps, std::uint64_t seed, std::int64_t first) {
  constexpr int kTieBits = 24;
  const at::Tensor values = maps.flatten(1);
  const std::int64_t n = values.size(0), pixels = values.size(1);
  const at::Tensor ties = counterUniform({seed, RandomStream::ties, first, n, 0, pixels}, values.options());
  // Not negative floats are ordered as their bits are: value and tie breaker are one whole number, sorted once. + 0 makes −0 a 0.
  const at::Tensor bits = (values + 0.0).contiguous().view(at::kInt).to(at::kLong);
  const at::Tensor key = at::bitwise_left_shift(bits, kTieBits) + ties.mul(1 << kTieBits).to(at::kLong);
  const at::Tensor order = at::argsort(key, /*stable=*/true, /*dim=*/1, /*descending=*/true);
  const at::Tensor places = at::arange(pixels, order.options()).expand_as(order);
  return at::empty_like(order).scatter_(1, order, places).view_as(maps);
}

}  // namespace cumulens
