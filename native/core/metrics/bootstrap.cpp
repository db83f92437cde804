#include "core/metrics/bootstrap.h"

#include <ATen/ATen.h>

#include "core/runtime/error.h"
#include "core/runtime/random.h"

namespace cumulens {
namespace {

// Resamples drawn at once: bounds the memory to a few hundred MB at a million samples.
constexpr std::int64_t kDrawsAtOnce = 1 << 24;
constexpr double kRounding = 1e-13;  // relative to the largest mean

// float64 [K,R]: the means of R resamples of K scores.
at::Tensor resampledMeans(const at::Tensor& values, std::int64_t resamples, std::uint64_t seed) {
  check(values.dim() == 2 && values.size(1) >= 1, ErrorCode::shape, "bootstrap: values have shape ", values.sizes(),
        ", expected [K, N] with N at least 1");
  check(resamples >= 100 && resamples <= 100000, ErrorCode::option, "bootstrap: resamples must be 100 to 100000, got ", resamples);
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
  return at::cat(means, 1);
}

// [K,R] → [K,2]: low, high.
at::Tensor interval(const at::Tensor& means) { return at::quantile(means, at::tensor({0.025, 0.975}, at::kDouble), 1).t().contiguous(); }

}  // namespace

at::Tensor bootstrapMeans(const at::Tensor& values, std::int64_t resamples, std::uint64_t seed) {
  const at::NoGradGuard noGrad;
  return interval(resampledMeans(values, resamples, seed));
}

Comparisons bootstrapComparisons(const at::Tensor& values, std::int64_t resamples, std::uint64_t seed) {
  const at::NoGradGuard noGrad;
  const at::Tensor means = resampledMeans(values, resamples, seed);
  // Products of equal rows may differ in their last bits, which must not look like a difference that is sure.
  const at::Tensor noise = means.abs().amax() * kRounding;
  std::vector<at::Tensor> differences;
  for (std::int64_t i = 0; i < means.size(0); ++i) {
    const at::Tensor difference = means.slice(0, i, i + 1) - means;
    differences.push_back(interval(at::where(difference.abs() <= noise, 0.0, difference)));
  }
  return {interval(means), differences.empty() ? means.new_empty({0, 0, 2}) : at::stack(differences)};
}

}  // namespace cumulens
