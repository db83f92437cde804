#pragma once

#include <ATen/ATen.h>

namespace cumulens {

/// Mean binary cross entropy of logits against one label for all, METHOD §6 (a logit where the reference has a softmax over one unit).
at::Tensor adversarialLoss(const at::Tensor& logits, bool real);

}  // namespace cumulens
