#include "core/cnn/cnn.h"

namespace cumulens {

Prediction predict(const Cnn& cnn, const at::Tensor& images, int64_t batchSize, const CancelToken& cancel) {
  check(images.dim() == 4 && images.size(0) > 0, ErrorCode::shape, "images must be [N, C, H, W] with N ≥ 1, got ", images.sizes());
  check(batchSize >= 1, ErrorCode::option, "batchSize: expected 1 or more, got ", batchSize);
  std::vector<at::Tensor> parts;
  for (const at::Tensor& batch : images.split(batchSize)) parts.push_back(cnn.forward(cnn.preprocess(batch), cancel));
  const at::Tensor logits = parts.size() == 1 ? parts.front() : at::cat(parts);
  return {logits, at::softmax(logits, 1), logits.argmax(1)};
}

}  // namespace cumulens
