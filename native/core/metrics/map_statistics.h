#pragma once
#include <ATen/core/Tensor.h>

namespace cumulens {

/// What is said of maps alone, one value a sample (float64 [N]).
struct MapStatistics {
  at::Tensor complexity;           ///< mean E, 0 … 1, lower is better
  at::Tensor sparseness;           ///< Gini index of E, 0 … 1 − 1/(H·W), higher is better; 0 where undefined
  at::Tensor sparsenessUndefined;  ///< bool [N]: the map is constant
};

/// METHOD §9. With E's M = H·W values in rising order, Gini is Σ (2i − M − 1)·E_i / (M·Σ E), i = 1 … M (Chalasani et al. 2020).
/// @param maps [N,1,H,W] in [0,1] (or uint8). @throws Error shape, option
MapStatistics mapStatistics(const at::Tensor& maps);

}  // namespace cumulens
