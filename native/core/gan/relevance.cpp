#include "core/gan/relevance.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "core/runtime/error.h"
#include "core/runtime/memory_cache.h"

namespace cumulens {

namespace {

/// Calls `work` with the begin and length of each part of N samples, and joins what it gives.
at::Tensor inParts(int64_t count, int64_t batch, const std::function<at::Tensor(int64_t, int64_t)>& work) {
  check(batch >= 1, ErrorCode::option, "batchSize is ", batch, ", expected at least 1");
  const MemoryCache memoryCache;
  std::vector<at::Tensor> parts;
  for (int64_t begin = 0; begin < count; begin += batch) parts.push_back(work(begin, std::min(batch, count - begin)).to(at::kCPU));
  return at::cat(parts);
}

/// Samples begin … begin + size − 1 as the generator takes them; one that stands for all stays alone.
at::Tensor part(const Generator& generator, const at::Tensor& samples, int64_t begin, int64_t size) {
  return generator.toInput(samples.size(0) == 1 ? samples : samples.narrow(0, begin, size));
}

void checkBatch(const Generator& generator, const at::Tensor& images, const at::Tensor& conditions) {
  check(images.dim() == 4 && images.size(0) > 0, ErrorCode::shape, "images have shape ", images.sizes(), ", expected [N,3,S,S] with N ≥ 1");
  generator.checkInputs(images, conditions);
}

}  // namespace

at::Tensor replacementRelevance(const Generator& generator, const at::Tensor& images, const at::Tensor& conditions,
                                const at::Tensor& replacements, int64_t batch, const CancelToken& cancel) {
  checkBatch(generator, images, conditions);
  check(replacements.dim() == 4 && (replacements.size(0) == 1 || replacements.size(0) == conditions.size(0)) &&
            replacements.sizes().slice(1) == conditions.sizes().slice(1),
        ErrorCode::shape, "replacements have shape ", replacements.sizes(), ", expected ", conditions.sizes(), " or one for all");
  const c10::NoGradGuard noGrad;
  const int64_t passes = generator.config().conditions + 1;
  return inParts(images.size(0), std::max<int64_t>(1, batch / passes), [&](int64_t begin, int64_t size) {
    const auto of = [&](const at::Tensor& samples) { return part(generator, samples, begin, size); };
    const at::Tensor maps = generator.forwardReplaced(of(images), of(conditions), of(replacements).expand({size, -1, -1, -1}), cancel)
                                .mean(1)
                                .unflatten(0, {passes, size})
                                .to(at::kDouble);
    return (maps.slice(0, 1) - maps.slice(0, 0, 1)).abs().sum({2, 3}).t();
  });
}

at::Tensor gradientRelevance(const Generator& generator, const at::Tensor& images, const at::Tensor& conditions, int64_t batch,
                             const CancelToken& cancel) {
  checkBatch(generator, images, conditions);
  return inParts(images.size(0), batch, [&](int64_t begin, int64_t size) {
    const c10::AutoGradMode grad(true);
    const at::Tensor leaf = part(generator, conditions, begin, size).detach().clone().requires_grad_();
    const at::Tensor output = generator.forward(part(generator, images, begin, size), leaf, cancel).mean(1).sum();
    const at::Tensor gradient = torch::autograd::grad({output}, {leaf})[0];
    return (leaf.detach() * gradient).to(at::kDouble).abs().sum({2, 3});
  });
}

}  // namespace cumulens
