#pragma once
#include <ATen/ATen.h>

#include <cstdint>

namespace cumulens {

/// Samples to be shown: uint8 images [n,3,S,S], masks [n,1,S,S] or undefined, and maps (uint8, or float in [0,1]).
struct GallerySamples {
  at::Tensor images;
  at::Tensor masks;
  at::Tensor conditions;  ///< [n,P,S,S]
  at::Tensor targets;     ///< [n,1,S,S]
  at::Tensor generated;   ///< [n,1,S,S]
};

/// uint8 RGB [n,height,width,3] on the CPU, as image encoders take pixels.
struct GalleryPictures {
  at::Tensor images;      ///< enlarged, the mask's outline drawn on it
  at::Tensor conditions;  ///< the P conditions side by side, in viridis, at their own size
  at::Tensor targets;     ///< enlarged, in viridis
  at::Tensor generated;
};

/// Draws all samples at once. @param scale how many times larger than S, 1 … 16. @throws Error{shape}, Error{option}
GalleryPictures galleryPictures(const GallerySamples& samples, std::int64_t scale);

}  // namespace cumulens
