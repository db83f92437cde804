#pragma once
#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>

namespace cumulens {

// Maps that know nothing of any CNN: what an explanation must beat. float32 [N,1,H,W] each; images are [N,1 or 3,H,W], uint8 or floating
// in [0,1]. @throws Error{shape} for others.

/// Rec. 709 luma of RGB images, gray ones as they are: in [0,1].
at::Tensor luminance(const at::Tensor& images);

/// Magnitude of the luminance's gradient by Sobel's 3×3 kernels (Sobel, Feldman 1968), the border's pixels repeated.
at::Tensor sobel(const at::Tensor& images);

/// Uniform noise in [0,1): row i depends on the seed and on the index first + i alone.
at::Tensor randomMaps(std::int64_t count, std::array<std::int64_t, 2> size, std::uint64_t seed, std::int64_t first, c10::Device device);

}  // namespace cumulens
