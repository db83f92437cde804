#include "core/attribution/subject.h"

#include "core/cnn/target.h"
#include "core/metrics/baseline_images.h"
#include "core/runtime/error.h"

#include <algorithm>

namespace cumulens {
namespace {

/// What a pass may take: it leaves a small machine most of its memory, and gives a GPU enough to do.
int64_t passBytes(const c10::Device& device) { return int64_t{1} << (device.is_cpu() ? 30 : 32); }
constexpr int64_t kMostRows = 1024;

}  // namespace

std::vector<Part> inParts(int64_t total, int64_t size) {
  std::vector<Part> parts;
  for (int64_t begin = 0; begin < total; begin += size) parts.push_back({begin, std::min(size, total - begin)});
  return parts;
}

int64_t Subject::rowsOfPass(bool gradients) const {
  if (rows > 0) return rows;
  return std::clamp<int64_t>(passBytes(cnn.device()) / std::max<int64_t>(1, cnn.bytesPerImage(gradients)), 1, kMostRows);
}

Subject makeSubject(const Cnn& cnn, const at::Tensor& images, const at::Tensor& target, int64_t rows, const CancelToken& cancel) {
  check(images.dim() == 4 && images.size(0) > 0, ErrorCode::shape, "images must be [N, C, H, W] with N ≥ 1, got ", images.sizes());
  check(rows >= 0, ErrorCode::option, "batchSize: expected 1 or more, got ", rows);
  return {cnn, images, checkedTarget(target, images.size(0), cnn), rows, cancel};
}

at::Tensor unitImages(const at::Tensor& images, const at::Tensor& input) {
  const at::Tensor values = images.to(input.options());
  return images.scalar_type() == at::kByte ? values / 255 : values;
}

at::Tensor networkBaseline(const Subject& subject, const at::Tensor& images, const at::Tensor& input, const std::string& name) {
  if (name == "neutral") return at::zeros_like(input);
  return subject.cnn.preprocess(baselineImages(unitImages(images, input), name));
}

at::Tensor scoresOf(const Subject& subject, const at::Tensor& input, const at::Tensor& target) {
  return targetScores(subject.cnn.forward(input, subject.cancel), target);
}

at::Tensor probabilitiesOf(const Subject& subject, const at::Tensor& input, const at::Tensor& target) {
  return targetScores(at::softmax(subject.cnn.forward(input, subject.cancel), 1), target);
}

at::Tensor repeated(const at::Tensor& rows, int64_t times) { return rows.repeat_interleave(times, 0); }

}  // namespace cumulens
