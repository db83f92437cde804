#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

namespace cumulens {

/// 95 % percentile-bootstrap intervals of the means of K scores over the same N samples (Efron 1979). Every score is resampled with the
/// same draws, so a row of differences is a paired comparison.
/// @param values float64 [K,N], N ≥ 1. @returns float64 [K,2]: low, high.
/// @throws Error{shape}, Error{option} for resamples outside 100 … 100 000.
at::Tensor bootstrapMeans(const at::Tensor& values, std::int64_t resamples, std::uint64_t seed);

/// Every score against every other, on the same samples.
struct Comparisons {
  at::Tensor means;        ///< float64 [K,2], as bootstrapMeans gives them: low, high
  at::Tensor differences;  ///< float64 [K,K,2]: low, high of the mean of score i − score j; of equal scores exactly 0
};

/// The same draws for all, so every difference is a paired comparison; its memory is that of K scores, not of K² differences.
/// @throws Error as bootstrapMeans does
Comparisons bootstrapComparisons(const at::Tensor& values, std::int64_t resamples, std::uint64_t seed);

}  // namespace cumulens
