#pragma once

#include <ATen/core/Tensor.h>

namespace cumulens {

/// Guided backpropagation's rule (`Backward::guided`) at the output of an activation: from here on down, its gradient is 0 wherever it or
/// the output as it is now is not positive. For a relu this is Springenberg's g·1[g>0]·1[x>0]. Nothing where no gradient will come.
void guideGradient(const at::Tensor& output);

}  // namespace cumulens
