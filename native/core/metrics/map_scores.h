#pragma once
#include <ATen/core/Tensor.h>

namespace cumulens {

/// How near maps are to their targets, one value a sample (float64 [N], CPU or the maps' device).
struct MapScores {
  at::Tensor mae;               ///< mean |map − target|, 0 … 1, lower is better
  at::Tensor psnr;              ///< 10·log10(1 / MSE) in dB, peak 1; an exact match counts as 100 dB, higher is better
  at::Tensor ssim;              ///< structural similarity, −1 … 1, higher is better
  at::Tensor pearson;           ///< correlation over pixels, −1 … 1, higher is better; 0 where undefined
  at::Tensor pearsonUndefined;  ///< bool [N]: the map or its target is constant
};

/// Scores maps against targets (METHOD §9). SSIM after Wang et al. 2004: an 11×11 Gaussian window of σ 1.5, C1 = 0.01², C2 = 0.03²,
/// population (co)variances, the mean over windows that lie wholly within the map.
/// @param maps, targets [N,1,H,W] of any float dtype in [0,1], or uint8 read as value / 255; H and W at least 11.
/// @throws Error{shape}
MapScores scoreMaps(const at::Tensor& maps, const at::Tensor& targets);

}  // namespace cumulens
