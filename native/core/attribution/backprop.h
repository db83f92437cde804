#pragma once

#include "core/attribution/subject.h"

#include <cstdint>

namespace cumulens {

// Maps [N,H,W] from gradients of the score with respect to the images, before preprocessing and in [0,1]. @throws Error shape, option,
// aborted.

/// How attributions a [N,C,H,W] become one value a pixel.
enum class Reduction {
  max,       ///< max_c |a|
  sum,       ///< Σ_c |a|
  positive,  ///< relu(Σ_c a): what speaks for the class
  net        ///< Σ_c a, signed
};

/// @throws Error option for an unknown name.
Reduction reductionFromName(const std::string& name);

/// The plain gradient (Simonyan et al. 2014).
at::Tensor saliency(const Subject& subject, Reduction reduction);

/// Guided backpropagation (Springenberg et al. 2015), see `Backward::guided`.
at::Tensor guidedBackprop(const Subject& subject, Reduction reduction);

/// Guided Grad-CAM (Selvaraju et al. 2017): guided backpropagation times Grad-CAM at one tap, resized and min–max normalised.
at::Tensor guidedGradCam(const Subject& subject, Reduction reduction, int64_t tap);

/// Integrated gradients (Sundararajan et al. 2017): (x − b)·mean of the gradient at b + (x − b)·(i + ½)/steps, the midpoint rule.
/// @param baseline of b: see `baselineImages`
at::Tensor integratedGradients(const Subject& subject, Reduction reduction, int64_t steps, const std::string& baseline);

/// SmoothGrad (Smilkov et al. 2017): the gradient's mean over `samples` images with normal noise of σ = noise·(the image's range). The
/// noise depends on the seed and on an image's index, first + its row, alone.
struct SmoothGradOptions {
  int64_t samples;
  double noise;
  std::uint64_t seed;
  std::int64_t first;
};
at::Tensor smoothGrad(const Subject& subject, Reduction reduction, const SmoothGradOptions& options);

}  // namespace cumulens
