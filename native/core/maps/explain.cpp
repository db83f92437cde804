#include "core/maps/explain.h"

#include "core/cnn/tap_gradients.h"
#include "core/cnn/target.h"
#include "core/maps/cumulative.h"
#include "core/maps/layer_map.h"
#include "core/maps/normalise.h"
#include "core/runtime/error.h"
#include "core/runtime/memory_region.h"

#include <c10/core/GradMode.h>

#include <functional>
#include <utility>

namespace cumulens {
namespace {

/// Which maps a call makes of its taps.
struct Plan {
  int64_t taps;      ///< L
  int64_t target;    ///< the tap of the target map
  int64_t averaged;  ///< how many of the first taps are averaged

  bool takes(const ExplainOptions& options, int64_t tap) const { return options.maps || tap < averaged; }
};

/// Every map that is asked for, at its tap's own resolution, [N,h,w].
struct RawMaps {
  std::vector<at::Tensor> maps;  ///< undefined where it is not asked for
  at::Tensor target;
};

/// Makes each map while the backward pass is at its tap, so that no more than one tap's gradient is held, and lets go of activations on the
/// way.
class RawMapMaker {
 public:
  RawMapMaker(std::vector<at::Tensor> activations, const Plan& plan, const ExplainOptions& options)
      : activations_(std::move(activations)), plan_(plan), options_(options), result_{std::vector<at::Tensor>(activations_.size()), {}} {}

  void take(size_t tap, const at::Tensor& gradient) {
    const at::Tensor activation = std::exchange(activations_[tap], {});
    const auto index = static_cast<int64_t>(tap);
    at::Tensor& map = result_.maps[tap];
    if (plan_.takes(options_, index)) map = layerMap(options_.method)(activation, gradient);
    if (index != plan_.target) return;
    result_.target =
        map.defined() && options_.method == options_.targetMethod ? map : layerMap(options_.targetMethod)(activation, gradient);
  }

  /// @returns the maps, those included whose taps the score does not depend on
  RawMaps finish() {
    for (size_t tap = 0; tap < activations_.size(); ++tap) {
      if (activations_[tap].defined()) take(tap, at::zeros_like(activations_[tap]));
    }
    return std::move(result_);
  }

 private:
  std::vector<at::Tensor> activations_;
  Plan plan_;
  const ExplainOptions& options_;
  RawMaps result_;
};

/// How many taps are averaged: all, or those before the target's.
int64_t averagedTaps(const ExplainOptions& options, int64_t taps) {
  if (!options.excludeTarget) return taps;
  const int64_t target = tapAt(options.targetTap, taps);
  check(target > 0, ErrorCode::option, "excludeTarget leaves no tap to average: the target's is the first of ", taps,
        "; set excludeTarget to false, or take a deeper targetTap");
  return target;
}

Plan makePlan(const ExplainOptions& options, int64_t taps) {
  return {taps, tapAt(options.targetTap, taps), options.conditions > 0 ? averagedTaps(options, taps) : 0};
}

std::vector<bool> wantedTaps(const ExplainOptions& options, const Plan& plan) {
  std::vector<bool> wanted(static_cast<size_t>(plan.taps));
  for (int64_t tap = 0; tap < plan.taps; ++tap) wanted[static_cast<size_t>(tap)] = tap == plan.target || plan.takes(options, tap);
  return wanted;
}

/// Σ_n logits[n, target_n]
at::Tensor scoreOf(const at::Tensor& logits, const at::Tensor& target) {
  const c10::AutoGradMode grad(true);
  return targetScores(logits, target).sum();
}

/// Layers' maps on their way to the size and range asked for, in the order in which they are averaged.
struct Finishing {
  std::vector<at::Tensor> raw;
  std::vector<at::Tensor> outs;
  std::vector<int64_t> place;  ///< among those averaged; -1: not averaged

  int64_t averaged = 0;
};

Finishing arrange(RawMaps& raw, const Plan& plan, const ExplainOptions& options, const std::function<at::Tensor(int64_t)>& outOf) {
  Finishing result;
  for (int64_t i = 0; i < plan.taps; ++i) {
    const int64_t tap = options.reverse ? plan.taps - 1 - i : i;
    if (!plan.takes(options, tap)) continue;
    result.raw.push_back(std::move(raw.maps[static_cast<size_t>(tap)]));
    result.outs.push_back(outOf(tap));
    result.place.push_back(tap < plan.averaged ? result.averaged++ : -1);
  }
  return result;
}

/// Bytes of all maps as they will be returned; 0: they are not asked for, or lie elsewhere than in the CPU's memory.
std::size_t mapsBytes(const at::Tensor& input, const Plan& plan, const ExplainOptions& options) {
  if (!options.maps || !input.is_cpu()) return 0;
  auto bytes = static_cast<std::size_t>(input.element_size());
  for (const int64_t factor : {input.size(0), plan.taps, options.size[0], options.size[1]}) bytes *= static_cast<std::size_t>(factor);
  return bytes;
}

/// Brings the maps to their size and range, and averages them.
/// @param mapsMemory where the maps of all taps may lie
void finishAll(RawMaps raw, const Plan& plan, const ExplainOptions& options, MemoryRegion& mapsMemory, const CancelToken& cancel,
               Explanation& result) {
  const int64_t count = result.logits.size(0), height = options.size[0], width = options.size[1];
  const auto makeSpace = [&](int64_t maps) { return at::empty({count, maps, height, width}, result.logits.options()); };
  result.target = makeSpace(1);
  finishMaps({raw.target}, options.normalise, {result.target.select(1, 0)});
  if (options.maps) result.maps = mapsMemory.become({count, plan.taps, height, width}, result.logits.options());
  const at::Tensor space = options.maps ? at::Tensor() : makeSpace(1);
  const Finishing layers =
      arrange(raw, plan, options, [&](int64_t tap) { return options.maps ? result.maps.select(1, tap) : space.select(1, 0); });
  std::optional<CumulativeAverage> average;
  if (plan.averaged > 0) average.emplace(plan.averaged, options.conditions, result.target.select(1, 0));
  finishMaps(layers.raw, options.normalise, layers.outs, [&](size_t layer, int64_t begin, int64_t end) {
    cancel.check();
    if (layers.place[layer] >= 0) average->add(layers.place[layer], layers.outs[layer], begin, end);
  });
  if (average) result.conditions = average->conditions();
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
  const Plan plan = makePlan(options, static_cast<int64_t>(cnn.tapCount()));
  const at::Tensor input = cnn.preprocess(images);
  MemoryRegion mapsMemory(cnn.spareMemory(), mapsBytes(input, plan, options));
  TappedForward forward = cnn.forwardWithTaps(input, wantedTaps(options, plan), cancel);
  mapsMemory.close();
  Explanation result;
  result.logits = forward.logits.detach().clone();  // which may lie in the region
  result.probabilities = at::softmax(result.logits, 1);
  result.predicted = result.logits.argmax(1);
  result.targetClass = targetClass.defined() ? checkedTarget(targetClass, images.size(0), cnn) : result.predicted;
  RawMapMaker maker(std::move(forward.activations), plan, options);
  visitTapGradients(forward.edges, scoreOf(std::exchange(forward.logits, {}), result.targetClass),
                    [&](size_t tap, const at::Tensor& gradient) {
                      cancel.check();
                      maker.take(tap, gradient);
                    });
  forward.edges.clear();
  const c10::NoGradGuard noGrad;
  finishAll(maker.finish(), plan, options, mapsMemory, cancel, result);
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
