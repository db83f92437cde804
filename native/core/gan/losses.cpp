#include "core/gan/losses.h"

namespace cumulens {

at::Tensor adversarialLoss(const at::Tensor& logits, bool real) {
  return at::binary_cross_entropy_with_logits(logits, real ? at::ones_like(logits) : at::zeros_like(logits));
}

}  // namespace cumulens
