#include "core/metrics/running_mean.h"

#include <ATen/ATen.h>

#include "core/metrics/unit_maps.h"
#include "core/runtime/error.h"

namespace cumulens {

at::Tensor runningMean(const at::Tensor& mean, std::int64_t count, const at::Tensor& values) {
  check(values.dim() >= 1 && values.size(0) > 0, ErrorCode::shape, "mean: expected [n, …] with n ≥ 1, got ", values.sizes());
  check(count >= 0 && mean.defined() == (count > 0), ErrorCode::option, "mean: ", count, " samples before do not fit ",
        mean.defined() ? "a mean" : "no mean");
  const double total = static_cast<double>(count + values.size(0));
  const at::Tensor added = toUnitDouble(values).sum(0, /*keepdim=*/true).to(at::kCPU) / total;
  if (!mean.defined()) return added;
  check(mean.sizes() == added.sizes(), ErrorCode::shape, "mean: samples of shape ", added.sizes(), ", the ones before ", mean.sizes());
  return mean * (static_cast<double>(count) / total) + added;
}

}  // namespace cumulens
