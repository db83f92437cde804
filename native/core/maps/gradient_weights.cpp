#include "core/maps/layer_map.h"

#include "kernels/weigh_channels.h"

namespace cumulens {
namespace {

const std::array<int64_t, 2> kPixels{2, 3};

/// numerator/denominator, and 0 where a signed activation brings the denominator within `epsilon` of 0.
at::Tensor safeQuotient(const at::Tensor& numerator, const at::Tensor& denominator, double epsilon) {
  return at::where(denominator.abs() > epsilon, numerator / denominator, 0.0);
}

}  // namespace

at::Tensor weightedSum(const at::Tensor& weights, const at::Tensor& activations) {
  const int64_t batch = activations.size(0), channels = activations.size(1);
  if (activations.is_cpu() && activations.scalar_type() == at::kFloat)
    return kernels::weighChannels(weights.reshape({batch, channels}), activations);
  // One matrix product a sample: [1,C] × [C,HW].
  return at::bmm(weights.reshape({batch, 1, channels}), activations.reshape({batch, channels, -1}))
      .reshape({batch, activations.size(2), activations.size(3)});
}

at::Tensor gradCam(const at::Tensor& activations, const at::Tensor& gradients) {
  return weightedSum(gradients.mean(kPixels, true), activations).relu_();
}

at::Tensor guidedGradCamWeights(const at::Tensor& activations, const at::Tensor& gradients) {
  const at::Tensor guided = at::relu(gradients) * (activations > 0);
  return weightedSum(guided.mean(kPixels, true), activations);
}

at::Tensor gradCamPlusPlus(const at::Tensor& activations, const at::Tensor& gradients) {
  constexpr double epsilon = 1e-6;
  // With g ≤ 0 set to 0 the numerator vanishes there, and so do α and relu(g).
  const at::Tensor positive = at::relu(gradients);
  const at::Tensor square = positive * positive;
  const at::Tensor denominator = 2 * square + activations.sum(kPixels, true) * square * positive + epsilon;
  const at::Tensor weights = (safeQuotient(square, denominator, epsilon) * positive).sum(kPixels, true);
  return weightedSum(weights, activations).relu_();
}

at::Tensor xGradCam(const at::Tensor& activations, const at::Tensor& gradients) {
  constexpr double epsilon = 1e-7;
  const at::Tensor denominator = activations.sum(kPixels, true) + epsilon;
  const at::Tensor weights = safeQuotient((gradients * activations).sum(kPixels, true), denominator, epsilon);
  return weightedSum(weights, activations).relu_();
}

}  // namespace cumulens
