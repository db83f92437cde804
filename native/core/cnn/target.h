#pragma once

#include "core/cnn/cnn.h"

#include <ATen/ATen.h>

namespace cumulens {

/// Target classes, int64 [N], on the CNN's device. @throws Error shape or option unless there is one of its classes for each of N images.
at::Tensor checkedTarget(const at::Tensor& target, int64_t images, const Cnn& cnn);

/// s_n = logits[n, target_n], [N].
at::Tensor targetScores(const at::Tensor& logits, const at::Tensor& target);

/// A tap's index from the front, where negative ones count from the end. @throws Error option for one that is none of `count` taps.
int64_t tapAt(int64_t tap, int64_t count);

}  // namespace cumulens
