#pragma once
#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <vector>

namespace cumulens {

/// How the bytes of one picture lie: rows of RGB pixels, three planes, or one grey plane.
enum class PixelLayout { hwc, chw, gray };

/// One picture's bytes, owned by whoever called.
struct PixelBytes {
  const std::uint8_t* data;
  std::size_t size;
};

/// Pictures of one size as a batch: uint8 [N,3,…size]. Grey becomes three equal channels; another size is resized with
/// `resizeImages`. @throws Error{shape} for a picture that has not height × width × channels bytes.
at::Tensor packImages(const std::vector<PixelBytes>& pictures, std::int64_t height, std::int64_t width, PixelLayout layout,
                      std::array<std::int64_t, 2> size);

/// [N,C,H,W] to [N,C,height,width]: bilinear with antialiasing, half-pixel centres; the same tensor if nothing changes. Bytes stay bytes,
/// floats stay floats. @throws Error{shape} for anything else.
at::Tensor resizeImages(const at::Tensor& images, std::array<std::int64_t, 2> size);

}  // namespace cumulens
