#include "core/cnn/target.h"

#include "core/runtime/error.h"

namespace cumulens {

at::Tensor checkedTarget(const at::Tensor& target, int64_t images, const Cnn& cnn) {
  check(target.dim() == 1 && target.size(0) == images && target.scalar_type() == at::kLong, ErrorCode::shape,
        "target classes must be int64 [", images, "], one for each image, got ", target.dtype().name(), " ", target.sizes());
  const int64_t last = cnn.classes() - 1;
  check(target.numel() == 0 || (target.min().item<int64_t>() >= 0 && target.max().item<int64_t>() <= last), ErrorCode::option,
        "target classes must lie in 0 … ", last, ", got ", target.min().item<int64_t>(), " … ", target.max().item<int64_t>());
  return target.to(cnn.device());
}

at::Tensor targetScores(const at::Tensor& logits, const at::Tensor& target) { return logits.gather(1, target.unsqueeze(1)).squeeze(1); }

int64_t tapAt(int64_t tap, int64_t count) {
  check(count > 0, ErrorCode::option, "the CNN has no taps: name the nodes to explain in `taps`");
  check(tap >= -count && tap < count, ErrorCode::option, "a tap must lie in ", -count, " … ", count - 1, ", got ", tap);
  return tap < 0 ? tap + count : tap;
}

}  // namespace cumulens
