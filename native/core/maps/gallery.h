#pragma once
#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>

namespace cumulens {

/// Pictures for pages: uint8 RGB [n,height,width,3] on the CPU, as image encoders take pixels. Maps are uint8 or float in [0,1].

/// Images at `size` [height, width], with the outline of their masks drawn around them.
/// @param images uint8, or float in [0,1], [n,3,H,W] or gray [n,1,H,W]; masks [n,1,h,w] of any size, or undefined. @throws Error{shape}
at::Tensor drawImages(const at::Tensor& images, const at::Tensor& masks, std::array<std::int64_t, 2> size);

/// Maps [n,1,H,W] at `size` in viridis: their values are resized, then coloured. @throws Error{shape}
at::Tensor drawMaps(const at::Tensor& maps, std::array<std::int64_t, 2> size);

/// The P maps of each sample [n,P,H,W] side by side in viridis, at their own size. @throws Error{shape}
at::Tensor drawStrips(const at::Tensor& maps);

}  // namespace cumulens
