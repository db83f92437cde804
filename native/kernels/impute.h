#pragma once

#include <ATen/ATen.h>

#include "core/runtime/cancel.h"

namespace cumulens::kernels {

/// Fills planes' missing pixels with the weighted mean of their eight neighbours, missing ones included: 1/6 for the four at an edge, 1/12
/// for those at a corner, those beyond the border left out. Each plane's linear system is solved by conjugate gradients in a core's cache,
/// until its residual is below `tolerance` times its right side; images are shared out among the threads.
/// @param planes float32 [M,P,H,W], on the CPU; missing bool [M,1,H,W]. @returns the planes, filled. @throws Error aborted
at::Tensor imputePlanes(const at::Tensor& planes, const at::Tensor& missing, double tolerance, const CancelToken& cancel);

}  // namespace cumulens::kernels
