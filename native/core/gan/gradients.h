#pragma once

#include <ATen/ATen.h>

#include "core/gan/generator.h"

namespace cumulens {

/// The mean absolute error of a generator's raw output, and its gradients.
struct L1Gradients {
  at::Tensor output;      // [N,outputChannels,H,W]
  at::Tensor l1;          // scalar
  at::Tensor images;      // [N,3,H,W]
  at::Tensor conditions;  // [N,P,H,W]
  StateDict parameters;   // by the names of the files
};

/// @param target [N,outputChannels,H,W]. Everything in the generator's dtype, on its device. @throws Error{shape}.
L1Gradients l1Gradients(const Generator& generator, const at::Tensor& images, const at::Tensor& conditions, const at::Tensor& target,
                        const CancelToken& cancel);

}  // namespace cumulens
