#include "core/gan/generator.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <vector>

#include "core/gan/batches.h"
#include "core/gan/global_generator.h"
#include "core/gan/local_generator.h"
#include "core/runtime/error.h"
#include "core/runtime/memory_cache.h"
#include "core/runtime/random.h"

namespace cumulens {

namespace {

void validate(const GeneratorConfig& config) {
  check(config.outputChannels == 1 || config.outputChannels == 3, ErrorCode::option, "outputChannels is ", config.outputChannels,
        ", expected 1 or 3");
  for (const int64_t size : {config.conditions, config.blocks, config.width, config.conditionWidth, config.conditionFeatures}) {
    check(size >= 1, ErrorCode::option, "a generator's sizes must be at least 1, got ", size);
  }
  check(config.variant == Variant::gsft || config.blocks == 2 * config.conditions - 1, ErrorCode::option, "an LSFT generator of ",
        config.conditions, " conditions has ", 2 * config.conditions - 1, " blocks, got ", config.blocks);
}

}  // namespace

std::unique_ptr<Generator> Generator::create(const GeneratorConfig& config, uint64_t seed, const at::TensorOptions& options) {
  validate(config);
  const at::Generator random = makeGenerator(at::kCPU, seed, RandomStream::init, 0);
  if (config.variant == Variant::gsft) return std::make_unique<GlobalGenerator>(config, random, options);
  return std::make_unique<LocalGenerator>(config, random, options);
}

void Generator::checkInputs(const at::Tensor& image, const at::Tensor& conditions) const {
  check(image.dim() == 4 && image.size(1) == 3, ErrorCode::shape, "images have shape ", image.sizes(), ", expected [N,3,H,W]");
  check(conditions.dim() == 4 && conditions.size(0) == image.size(0) && conditions.size(1) == config_.conditions &&
            conditions.sizes().slice(2) == image.sizes().slice(2),
        ErrorCode::shape, "conditions have shape ", conditions.sizes(), ", expected [", image.size(0), ",", config_.conditions, ",",
        image.size(2), ",", image.size(3), "]: one channel for each of the generator's conditions, at the images' size");
}

at::Tensor Generator::toInput(const at::Tensor& values) const {
  const at::Tensor floats = values.to(parameters_.leaves().front().options());
  return values.scalar_type() == at::kByte ? floats / kByteRange : floats;
}

at::Tensor Generator::forward(const at::Tensor& image, const at::Tensor& conditions, const CancelToken& cancel) const {
  checkInputs(image, conditions);
  return run(image.contiguous(at::MemoryFormat::ChannelsLast), conditions, cancel);
}

at::Tensor Generator::forwardReplaced(const at::Tensor& image, const at::Tensor& conditions, const at::Tensor& replacements,
                                      const CancelToken& cancel) const {
  checkInputs(image, conditions);
  checkInputs(image, replacements);
  return runReplaced(image.contiguous(at::MemoryFormat::ChannelsLast), conditions, replacements, cancel);
}

at::Tensor Generator::runReplaced(const at::Tensor& image, const at::Tensor& conditions, const at::Tensor& replacements,
                                  const CancelToken& cancel) const {
  const int64_t slices = config_.conditions;
  // [P + 1,N,P,H,W], where variant k + 1 has another slice k.
  const at::Tensor variants = conditions.unsqueeze(0).repeat({slices + 1, 1, 1, 1, 1});
  for (int64_t k = 0; k < slices; ++k) variants.select(0, k + 1).select(1, k).copy_(replacements.select(1, k));
  const at::Tensor images = image.repeat({slices + 1, 1, 1, 1}).contiguous(at::MemoryFormat::ChannelsLast);
  return run(images, variants.flatten(0, 1), cancel);
}

at::Tensor Generator::explain(const at::Tensor& image, const at::Tensor& conditions, bool raw, int64_t batch,
                              const CancelToken& cancel) const {
  check(batch >= 1, ErrorCode::option, "batchSize is ", batch, ", expected at least 1");
  const c10::NoGradGuard noGrad;
  const MemoryCache memoryCache;  // the batches need the same blocks one after the other
  std::vector<at::Tensor> parts;
  const int64_t count = image.dim() == 4 ? image.size(0) : 0;
  int64_t begin = 0;
  do {  // once even for no image, so that a wrong shape is always told
    const int64_t size = std::min(batch, count - begin);
    const auto part = [&](const at::Tensor& t) { return toInput(t.dim() == 4 && t.size(0) == count ? t.narrow(0, begin, size) : t); };
    const at::Tensor out = forward(part(image), part(conditions), cancel);
    parts.push_back(raw ? out : out.mean(1, true).clamp_(0, 1));
    begin += size;
  } while (begin < count);
  return at::cat(parts).contiguous();
}

}  // namespace cumulens
