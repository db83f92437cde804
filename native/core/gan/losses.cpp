#include "core/gan/losses.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace cumulens {

at::Tensor adversarialLoss(const at::Tensor& logits, bool real) {
  return at::binary_cross_entropy_with_logits(logits, real ? at::ones_like(logits) : at::zeros_like(logits));
}

double scheduleFactor(bool cosine, int64_t warmup, int64_t step, int64_t steps) {
  if (step < warmup) return static_cast<double>(step + 1) / static_cast<double>(warmup + 1);
  if (!cosine) return 1.0;
  const double progress = static_cast<double>(step - warmup) / static_cast<double>(std::max<int64_t>(steps - warmup, 1));
  return 0.5 * (1.0 + std::cos(std::numbers::pi * std::min(progress, 1.0)));
}

}  // namespace cumulens
