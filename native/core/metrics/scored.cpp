#include "core/metrics/scored.h"

#include <c10/core/GradMode.h>

#include "core/cnn/target.h"
#include "core/metrics/unit_maps.h"
#include "core/runtime/memory_cache.h"

namespace cumulens {
namespace {

at::Tensor outputOf(const at::Tensor& logits, const at::Tensor& target, Output output) {
  const at::Tensor values = logits.to(at::kDouble);
  return targetScores(output == Output::probability ? at::softmax(values, 1) : values, target);
}

}  // namespace

Scored makeScored(const Subject& subject, const at::Tensor& maps) {
  const c10::NoGradGuard noGrad;
  const at::Tensor input = subject.cnn.preprocess(subject.images);
  checkMapsOf(subject.images, maps);
  return {subject, unitImages(subject.images, input), input, checkedMaps(maps).to(input.device())};
}

at::Tensor followTarget(const Scored& scored, Output output, int64_t versions, const MakeInput& make) {
  const c10::NoGradGuard noGrad;
  const MemoryCache memoryCache;
  const Subject& subject = scored.subject;
  const int64_t total = scored.count() * versions;
  std::vector<at::Tensor> parts;
  for (const Part& part : inParts(total, subject.rowsOfPass(/*gradients=*/false))) {
    subject.cancel.check();
    const at::Tensor row = at::arange(part.begin, part.begin + part.count, subject.target.options());
    const at::Tensor image = row.div(versions, "floor");
    const at::Tensor logits = subject.cnn.forward(make(image, row.remainder(versions)), subject.cancel);
    parts.push_back(outputOf(logits, subject.target.index_select(0, image), output));
    if (scored.progress) scored.progress(part.begin + part.count, total);
  }
  return at::cat(parts).view({scored.count(), versions});
}

}  // namespace cumulens
