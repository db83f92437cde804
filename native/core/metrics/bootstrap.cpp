#include "core/metrics/bootstrap.h"

#include <ATen/ATen.h>

#include "core/runtime/error.h"
#include "core/runtime/random.h"

namespace cumulens {
namespace {

// Resamples drawn at once: bounds the memory to a few hundred MB at a million samples.
constexpr std::int64_t kDrawsAtOnce = 1 << 24;

}  // namespace

at::Tensor bootstrapMeans(const at::Tensor& values, std::int64_t resamples, std::uint64_t seed) {
  check(values.dim() == 2 && values.size(1) >= 1, ErrorCode::shape, "bootstrap: values have shape ", values.sizes(),
        ", expected [K, N] with N at least 1");
  check(resamples >= 100 && resamples <= 100000, ErrorCode::option, "bootstrap: resamples must be 100 to 100000, got ", resamples);
  const at::NoGradGuard noGrad;
  const at::Tensor table = values.to(at::kCPU, at::kDouble);
  const std::int64_t n = table.size(1);
  at::Generator generator = makeGenerator(at::kCPU, seed, RandomStream::bootstrap);
  // How often each sample is drawn, as a [chunk,N] matrix: the K means of a chunk are one product.
  const std::int64_t chunk = std::clamp<std::int64_t>(kDrawsAtOnce / n, 1, resamples);
  std::vector<at::Tensor> means;
  for (std::int64_t done = 0; done < resamples; done += chunk) {
    const std::int64_t rows = std::min(chunk, resamples - done);
    const at::Tensor draws = at::randint(n, {rows, n}, generator, at::kLong);
    const at::Tensor counts = at::zeros({rows, n}, at::kDouble).scatter_add_(1, draws, at::ones({1, 1}, at::kDouble).expand({rows, n}));
    means.push_back(at::mm(table, counts.t()) / static_cast<double>(n));
  }
  return at::quantile(at::cat(means, 1), at::tensor({0.025, 0.975}, at::kDouble), 1).t().contiguous();
}

}  // namespace cumulens
