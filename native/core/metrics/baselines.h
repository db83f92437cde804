#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

namespace cumulens {

/// The baseline `linear` (METHOD §3): least squares with an intercept from the P conditions of a pixel to its target, over all pixels of
/// the training split. Only the normal equations are kept, in float64, so any number of samples streams through.
class LinearFit {
 public:
  explicit LinearFit(std::int64_t conditions);

  /// @param conditions [n,P,S,S], targets [n,1,S,S], both uint8 or float in [0,1]. @throws Error{shape}
  void add(const at::Tensor& conditions, const at::Tensor& targets);
  /// float64 [P + 1]: a weight for each condition, then the intercept; of least norm where the conditions are collinear.
  /// @throws Error{option} when nothing was added.
  at::Tensor solve() const;

 private:
  std::int64_t conditions_;
  std::int64_t pixels_ = 0;
  at::Tensor gram_;    // [P+1, P+1]
  at::Tensor moment_;  // [P+1]
};

/// @param weights as LinearFit::solve gives them. @returns float32 [n,1,S,S], clamped to [0,1].
at::Tensor applyLinear(const at::Tensor& weights, const at::Tensor& conditions);

/// Rec. 709 luma of RGB images [n,3,H,W] in [0,1] or uint8: float32 [n,1,H,W] in [0,1]. @throws Error{shape}
at::Tensor luminance(const at::Tensor& images);

}  // namespace cumulens
