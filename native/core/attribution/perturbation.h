#pragma once

#include "core/attribution/subject.h"

#include <cstdint>

namespace cumulens {

// Maps [N,H,W] from the scores of images with parts taken away. All images share the masks, and a pass takes masks × images.
// What is taken away becomes the baseline, see `networkBaseline`. @throws Error shape, option, aborted.

/// Occlusion (Zeiler, Fergus 2014): a square window moves over the image; a pixel's value is the mean fall of the score over the windows
/// that hold it, signed. The last window of a row or column ends at the border, so every pixel is held.
struct OcclusionOptions {
  int64_t window;  ///< side in pixels
  int64_t stride;  ///< in pixels, at most the window
  std::string baseline;
  bool probability;  ///< the score is the softmax's probability instead of the logit
  bool positive;     ///< where it rises on the mean, 0
};
at::Tensor occlusion(const Subject& subject, const OcclusionOptions& options);

/// RISE (Petsiuk et al. 2018): Σ_i s(x ⊙ m_i)·m_i / (masks·p), the masks a grid of cells that stay with probability p, made larger than the
/// image by bilinear interpolation and shifted at random. Mask i depends on the seed and i alone.
struct RiseOptions {
  int64_t masks;
  int64_t grid;  ///< cells a side
  double keep;   ///< p
  std::string baseline;
  bool probability;
  std::uint64_t seed;
};
at::Tensor rise(const Subject& subject, const RiseOptions& options);

}  // namespace cumulens
