#pragma once
#include <ATen/core/Tensor.h>

namespace cumulens {

/// Correlation over pixels, float64 [N].
struct Correlation {
  at::Tensor pearson;           ///< −1 … 1; 0 where undefined
  at::Tensor pearsonUndefined;  ///< bool [N]: one of the two is constant
};

/// @param maps, others [N,1,H,W]; uint8 is read as value / 255. @throws Error{shape}
Correlation correlateMaps(const at::Tensor& maps, const at::Tensor& others);

}  // namespace cumulens
