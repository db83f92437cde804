#include "core/attribution/taps.h"

#include "core/cnn/tap_gradients.h"
#include "core/cnn/target.h"
#include "core/maps/layer_map.h"
#include "core/maps/normalise.h"
#include "core/runtime/error.h"

#include <c10/core/GradMode.h>

#include <limits>
#include <utility>

namespace cumulens {
namespace {

/// What a tap gives of a batch.
struct TapResult {
  at::Tensor map;     ///< [n,h,w], of the tap's size
  at::Tensor weight;  ///< [n], relu of the gradient's mean over channels and pixels
};

/// The wanted taps' maps by a method, made while the backward pass is there. @returns as many as there are taps
std::vector<TapResult> tapsOf(const Subject& subject, const Part& images, const std::string& method, const std::vector<bool>& wanted) {
  TappedForward forward = subject.cnn.forwardWithTaps(subject.cnn.preprocess(images.of(subject.images)), wanted, subject.cancel);
  const auto score = [&] {
    const c10::AutoGradMode grad(true);
    return targetScores(std::exchange(forward.logits, {}), images.of(subject.target)).sum();
  };
  std::vector<TapResult> results(wanted.size());
  const auto take = [&](size_t tap, const at::Tensor& gradient) {
    subject.cancel.check();
    const at::Tensor activation = std::exchange(forward.activations[tap], {});
    results[tap] = {layerMap(method)(activation, gradient), at::relu(gradient.flatten(1).mean(1))};
  };
  visitTapGradients(forward.edges, score(), take);
  for (size_t tap = 0; tap < wanted.size(); ++tap) {
    // The score does not depend on it.
    if (forward.activations[tap].defined()) take(tap, at::zeros_like(forward.activations[tap]));
  }
  return results;
}

std::vector<TapResult> allTaps(const Subject& subject, const Part& images, const std::string& method) {
  return tapsOf(subject, images, method, std::vector<bool>(subject.cnn.tapCount(), true));
}

/// Σ_l w_l·M_l of the maps resized and normalised. @param weights [n,L]
at::Tensor weightedMaps(const std::vector<TapResult>& taps, const at::Tensor& weights, std::array<int64_t, 2> size) {
  at::Tensor sum = at::zeros({weights.size(0), size[0], size[1]}, weights.options());
  for (size_t tap = 0; tap < taps.size(); ++tap) {
    sum.addcmul_(weights.select(1, static_cast<int64_t>(tap)).view({-1, 1, 1}), resizeAndNormalise(taps[tap].map, size));
  }
  return sum;
}

at::Tensor winsorWeights(const std::vector<TapResult>& taps, double percentile, double least) {
  std::vector<at::Tensor> means;
  means.reserve(taps.size());
  for (const TapResult& tap : taps) means.push_back(tap.weight);
  const at::Tensor weights = at::stack(means, 1), none = weights <= 0;
  const at::Tensor limit = at::nanquantile(weights.masked_fill(none, std::numeric_limits<double>::quiet_NaN()), percentile / 100, 1, true);
  const at::Tensor clipped = at::minimum(weights, limit);
  const double infinity = std::numeric_limits<double>::infinity();
  const at::Tensor low = clipped.masked_fill(none, infinity).amin(1, true), high = clipped.masked_fill(none, -infinity).amax(1, true);
  const at::Tensor scaled = at::where(high > low, least + (clipped - low) / (high - low) * (1 - least), 1.0);
  return scaled.masked_fill(none, 0.0);
}

}  // namespace

at::Tensor tapMap(const Subject& subject, const std::string& method, int64_t tap) {
  const c10::NoGradGuard noGrad;
  std::vector<bool> wanted(subject.cnn.tapCount());
  const auto index = static_cast<size_t>(tapAt(tap, static_cast<int64_t>(wanted.size())));
  wanted[index] = true;
  return overImages(subject, subject.rowsOfPass(true),
                    [&](const Part& images) { return tapsOf(subject, images, method, wanted)[index].map; });
}

at::Tensor fusedMap(const Subject& subject, const std::string& method) {
  tapAt(-1, static_cast<int64_t>(subject.cnn.tapCount()));
  const c10::NoGradGuard noGrad;
  return overImages(subject, subject.rowsOfPass(true), [&](const Part& images) {
    const std::vector<TapResult> taps = allTaps(subject, images, method);
    const auto count = static_cast<int64_t>(taps.size());
    return weightedMaps(taps, at::full({images.count, count}, 1.0 / static_cast<double>(count), taps.front().map.options()),
                        subject.size());
  });
}

at::Tensor winsorMap(const Subject& subject, double percentile, double least) {
  tapAt(-1, static_cast<int64_t>(subject.cnn.tapCount()));
  check(percentile >= 0 && percentile <= 100, ErrorCode::option, "percentile: expected 0 … 100, got ", percentile);
  check(least > 0 && least <= 1, ErrorCode::option, "least: expected more than 0 and at most 1, got ", least);
  const c10::NoGradGuard noGrad;
  return overImages(subject, subject.rowsOfPass(true), [&](const Part& images) {
    const std::vector<TapResult> taps = allTaps(subject, images, "gradcam");
    return weightedMaps(taps, winsorWeights(taps, percentile, least), subject.size());
  });
}

}  // namespace cumulens
