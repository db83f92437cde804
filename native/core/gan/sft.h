#pragma once

#include <ATen/ATen.h>

#include <string>

#include "core/gan/layers.h"

namespace cumulens {

/// x·(scale + 1) + shift with a gradient for each, in one pass over memory forward and one backward, which needs x and scale alone.
/// The three have one shape.
at::Tensor modulate(const at::Tensor& x, const at::Tensor& scale, const at::Tensor& shift);

/// Spatial feature transform, METHOD §4: two pairs of 3×3 convolutions of the condition features modulate the trunk.
/// `scale.0` and `shift.0` read the same input and run as one convolution.
class Sft {
 public:
  Sft(Builder& builder, const std::string& name, int64_t features, int64_t width);

  /// x [N,width,H,W], condition features c [N,features,H,W] → [N,width,H,W].
  at::Tensor operator()(const at::Tensor& x, const at::Tensor& c) const;

 private:
  Conv2d first_;
  Conv2d scale_;
  Conv2d shift_;
};

}  // namespace cumulens
