#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>

namespace cumulens {

/// What the baselines learn from the training split: `linear` (METHOD §3), least squares with an intercept from the P conditions of a
/// pixel to its target, and the mean target. Only the normal equations and one sum are kept, in float64, so any number of samples
/// streams through.
class BaselineFit {
 public:
  explicit BaselineFit(std::int64_t conditions);

  /// @param conditions [n,P,S,S], targets [n,1,S,S], both uint8 or float in [0,1]. @throws Error{shape}
  void add(const at::Tensor& conditions, const at::Tensor& targets);
  /// float64 [P + 1]: a weight for each condition, then the intercept; of least norm where the conditions are collinear.
  /// @throws Error{option} when nothing was added.
  at::Tensor linearWeights() const;
  /// float64 [1,1,S,S]. @throws Error{option} when nothing was added.
  at::Tensor meanTarget() const;

 private:
  std::int64_t conditions_;
  std::int64_t samples_ = 0;
  at::Tensor gram_;    // [P+1, P+1], mean over pixels
  at::Tensor moment_;  // [P+1]
  at::Tensor sum_;     // [1,1,S,S]
};

/// @param weights as BaselineFit::linearWeights gives them. @returns float32 [n,1,S,S], clamped to [0,1].
at::Tensor applyLinear(const at::Tensor& weights, const at::Tensor& conditions);

/// The answers that need no generator, each float32 [n,1,S,S] in [0,1]: `condition.K` (the K-th condition as it is, from 0) and
/// `condition.K.normalised` (min–max), `linear`, `luminance`, `sobel`, `meanTarget`, and `random` (uniform noise: a row depends on the seed
/// and on the sample's index, first + row, alone).
/// @param images [n,3,S,S] and conditions [n,P,S,S], uint8 or float in [0,1]; weights and mean as BaselineFit gives them.
/// @throws Error{shape}
std::map<std::string, at::Tensor> baselineMaps(const at::Tensor& images, const at::Tensor& conditions, const at::Tensor& weights,
                                               const at::Tensor& mean, std::uint64_t seed, std::int64_t first);

}  // namespace cumulens
