#pragma once

#include <ATen/ATen.h>

#include "core/runtime/cancel.h"

namespace cumulens {

/// ROAD's linear imputation (Rong et al. 2022): every missing pixel becomes the weighted mean of its eight neighbours, missing ones
/// included, edges 1/6 and corners 1/12, those beyond the border left out. All channels and images are solved at once by conjugate
/// gradients, until the residual is below 1e-4 of the right side: stacked, without a matrix; float32 on a CPU plane by plane, each in a
/// core's cache.
/// @param images floating [N,C,H,W]; missing bool [N,1,H,W], on the same device; an image without a known pixel becomes zeros.
/// @throws Error shape, aborted
at::Tensor imputeMissing(const at::Tensor& images, const at::Tensor& missing, const CancelToken& cancel);

}  // namespace cumulens
