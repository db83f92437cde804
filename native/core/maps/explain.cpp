#include "core/maps/explain.h"

#include "core/maps/cumulative.h"
#include "core/maps/layer_map.h"
#include "core/maps/normalise.h"
#include "core/runtime/error.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

namespace cumulens {
namespace {

/// The class each sample is explained for: the given one, checked, or the predicted one.
at::Tensor chooseTarget(const at::Tensor& logits, const at::Tensor& predicted, const at::Tensor& given) {
  if (!given.defined()) return predicted;
  const int64_t classes = logits.size(1);
  check(given.dim() == 1 && given.size(0) == logits.size(0) && given.scalar_type() == at::kLong, ErrorCode::shape,
        "target classes must be int64 [", logits.size(0), "], one for each image, got ", given.sizes());
  check(given.numel() == 0 || (given.min().item<int64_t>() >= 0 && given.max().item<int64_t>() < classes), ErrorCode::option,
        "target classes must lie in 0 … ", classes - 1, ", got ", given.min().item<int64_t>(), " … ", given.max().item<int64_t>());
  return given.to(logits.device());
}

int64_t chooseTap(int64_t tap, int64_t count) {
  check(tap >= -count && tap < count, ErrorCode::option, "targetTap must lie in ", -count, " … ", count - 1, ", got ", tap);
  return tap < 0 ? tap + count : tap;
}

/// ∂(Σ_n logits[n, target_n])/∂A for every tap at once; zeros where a tap does not reach the logits.
std::vector<at::Tensor> gradientsAtTaps(const TappedForward& forward, const at::Tensor& target) {
  const c10::AutoGradMode grad(true);
  const at::Tensor score = forward.logits.gather(1, target.unsqueeze(1)).sum();
  if (!score.requires_grad()) return std::vector<at::Tensor>(forward.activations.size());
  return torch::autograd::grad({score}, forward.activations, {}, /*retain_graph=*/false, /*create_graph=*/false,
                               /*allow_unused=*/true);
}

/// Takes the maps of a batch's taps one at a time and lets go of a tap once nothing needs it.
class TapMaps {
 public:
  TapMaps(TappedForward forward, const at::Tensor& target, std::array<int64_t, 2> size)
      : gradients_(gradientsAtTaps(forward, target)), activations_(std::move(forward.activations)), size_(size) {}

  int64_t count() const { return static_cast<int64_t>(activations_.size()); }

  at::Tensor map(const std::string& method, int64_t tap) const {
    const auto i = static_cast<size_t>(tap);
    const at::Tensor activation = activations_[i].detach();
    const at::Tensor gradient = gradients_[i].defined() ? gradients_[i] : at::zeros_like(activation);
    return resizeAndNormalise(layerMap(method)(activation, gradient), size_);
  }

  void release(int64_t tap) {
    activations_[static_cast<size_t>(tap)].reset();
    gradients_[static_cast<size_t>(tap)].reset();
  }

 private:
  std::vector<at::Tensor> gradients_;
  std::vector<at::Tensor> activations_;
  std::array<int64_t, 2> size_;
};

/// How many taps are averaged: all, or those before the target's.
int64_t averagedTaps(const ExplainOptions& options, int64_t taps) {
  if (!options.excludeTarget) return taps;
  const int64_t target = chooseTap(options.targetTap, taps);
  check(target > 0, ErrorCode::option, "excludeTarget leaves no tap to average: the target's is the first of ", taps,
        "; set excludeTarget to false, or take a deeper targetTap");
  return target;
}

/// One field of all parts, joined along the batch; undefined where it was not asked for.
at::Tensor joined(const std::vector<Explanation>& parts, at::Tensor Explanation::*field) {
  if (!(parts.front().*field).defined()) return {};
  std::vector<at::Tensor> tensors;
  tensors.reserve(parts.size());
  for (const Explanation& part : parts) tensors.push_back(part.*field);
  return at::cat(tensors);
}

}  // namespace

Explanation explain(const Cnn& cnn, const at::Tensor& images, const at::Tensor& targetClass, const ExplainOptions& options,
                    const CancelToken& cancel) {
  TappedForward forward = cnn.forwardWithTaps(cnn.preprocess(images), cancel);
  const c10::NoGradGuard noGrad;
  Explanation result;
  result.logits = forward.logits.detach();
  result.probabilities = at::softmax(result.logits, 1);
  result.predicted = result.logits.argmax(1);
  result.targetClass = chooseTarget(result.logits, result.predicted, targetClass);
  const auto taps = static_cast<int64_t>(forward.activations.size());
  check(taps > 0, ErrorCode::option, "the CNN has no taps: name the nodes to explain in `taps`");
  const int64_t averaged = options.conditions > 0 ? averagedTaps(options, taps) : 0;
  TapMaps source(std::move(forward), result.targetClass, options.size);

  result.target = source.map(options.targetMethod, chooseTap(options.targetTap, taps)).unsqueeze(1);
  std::optional<CumulativeAverage> average;
  if (averaged > 0) average.emplace(averaged, options.conditions);
  if (options.maps) result.maps = at::empty({images.size(0), taps, options.size[0], options.size[1]}, result.logits.options());
  for (int64_t i = 0; i < taps; ++i) {
    cancel.check();
    const int64_t tap = options.reverse ? taps - 1 - i : i;
    if (options.maps || tap < averaged) {
      const at::Tensor map = source.map(options.method, tap);
      if (tap < averaged) average->add(map);
      if (options.maps) result.maps.select(1, tap).copy_(map);
    }
    source.release(tap);
  }
  if (average) result.conditions = average->conditions();
  return result;
}

Explanation explainInBatches(const Cnn& cnn, const at::Tensor& images, const at::Tensor& targetClass, const ExplainOptions& options,
                             int64_t batchSize, const CancelToken& cancel) {
  check(images.dim() == 4 && images.size(0) > 0, ErrorCode::shape, "images must be [N, C, H, W] with N ≥ 1, got ", images.sizes());
  check(batchSize >= 1, ErrorCode::option, "batchSize: expected 1 or more, got ", batchSize);
  check(!targetClass.defined() || targetClass.sizes() == at::IntArrayRef({images.size(0)}), ErrorCode::shape,
        "target classes must be int64 [", images.size(0), "], one for each image");
  std::vector<Explanation> parts;
  for (int64_t begin = 0; begin < images.size(0); begin += batchSize) {
    const auto part = [&](const at::Tensor& all) { return all.defined() ? all.slice(0, begin, begin + batchSize) : all; };
    parts.push_back(explain(cnn, part(images), part(targetClass), options, cancel));
  }
  if (parts.size() == 1) return parts.front();
  return {joined(parts, &Explanation::logits),      joined(parts, &Explanation::probabilities), joined(parts, &Explanation::predicted),
          joined(parts, &Explanation::targetClass), joined(parts, &Explanation::maps),          joined(parts, &Explanation::conditions),
          joined(parts, &Explanation::target)};
}

}  // namespace cumulens
