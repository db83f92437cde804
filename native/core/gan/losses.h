#pragma once

#include <ATen/ATen.h>

namespace cumulens {

/// Mean binary cross entropy of logits against one label for all, METHOD §6 (a logit where the reference has a softmax over one unit).
at::Tensor adversarialLoss(const at::Tensor& logits, bool real);

/// The learning rate's factor at `step` of `steps`: 1, or with `cosine` half a cosine down to 0, after `warmup` steps of linear rise.
double scheduleFactor(bool cosine, int64_t warmup, int64_t step, int64_t steps);

}  // namespace cumulens
