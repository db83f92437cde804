#pragma once

#include <ATen/ATen.h>

#include <vector>

#include "core/gan/layers.h"

namespace cumulens {

/// CondNet, METHOD §4: condition maps → condition features, the same height and width.
class CondNet {
 public:
  CondNet(Builder& builder, int64_t inputs, int64_t hidden, int64_t features);

  /// [N,inputs,H,W] → [N,features,H,W].
  at::Tensor operator()(const at::Tensor& conditions, const CancelToken& cancel) const;

 private:
  std::vector<Conv2d> layers_;
};

}  // namespace cumulens
