#include "core/data/prepare.h"

#include <ATen/ATen.h>

#include "core/data/images.h"
#include "core/maps/colormap.h"
#include "core/runtime/error.h"

namespace cumulens {
namespace {

// Writes a batch's part of a result, which is made at the first batch, when its row shape is known.
void put(at::Tensor& all, const at::Tensor& part, std::int64_t begin, std::int64_t count) {
  if (!all.defined()) {
    std::vector<std::int64_t> shape = part.sizes().vec();
    shape[0] = count;
    all = at::empty(shape, part.options().device(at::kCPU));
  }
  all.slice(0, begin, begin + part.size(0)).copy_(part);
}

}  // namespace

PreparedSamples prepareSamples(const Cnn& cnn, const at::Tensor& images, const at::Tensor& masks, const at::Tensor& targetClass,
                               const PrepareSettings& settings, const std::function<void(std::int64_t)>& done, const CancelToken& token) {
  check(images.dim() == 4 && images.size(0) > 0 && images.size(1) == 3 && images.scalar_type() == at::kByte, ErrorCode::shape,
        "images to prepare: expected uint8 [N,3,H,W] with N of 1 or more, got ", images.sizes());
  check(!masks.defined() || (masks.dim() == 4 && masks.size(0) == images.size(0) && masks.size(1) == 1 && masks.scalar_type() == at::kByte),
        ErrorCode::shape, "masks: expected uint8 [", images.size(0), ",1,H,W], got ", masks.defined() ? masks.sizes() : at::IntArrayRef());
  check(settings.batchSize >= 1, ErrorCode::option, "batchSize: expected 1 or more, got ", settings.batchSize);
  const std::int64_t count = images.size(0);
  PreparedSamples samples;
  for (std::int64_t begin = 0; begin < count; begin += settings.batchSize) {
    token.check();
    const auto part = [&](const at::Tensor& all) { return all.slice(0, begin, std::min(begin + settings.batchSize, count)); };
    const at::Tensor batch = part(images);
    const at::Tensor target = targetClass.defined() ? part(targetClass) : at::Tensor();
    const Explanation explained = explain(cnn, resizeImages(batch, settings.input), target, settings.explain, token);
    const at::Tensor map = toBytes(explained.target);
    put(samples.images, resizeImages(batch, settings.explain.size), begin, count);
    put(samples.conditions, toBytes(explained.conditions), begin, count);
    put(samples.target, settings.jetTarget ? colourise(map, Colormap::jet) : map, begin, count);
    put(samples.predicted, explained.predicted, begin, count);
    put(samples.targetClass, explained.targetClass, begin, count);
    if (masks.defined()) put(samples.masks, resizeImages(part(masks), settings.explain.size), begin, count);
    done(std::min(begin + settings.batchSize, count));
  }
  return samples;
}

}  // namespace cumulens
