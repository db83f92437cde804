#include "core/data/images.h"

#include <ATen/ATen.h>

#include "core/data/copy_rows.h"
#include "core/runtime/error.h"

namespace cumulens {

at::Tensor packImages(const std::vector<PixelBytes>& pictures, std::int64_t height, std::int64_t width, PixelLayout layout,
                      std::array<std::int64_t, 2> size) {
  const std::int64_t channels = layout == PixelLayout::gray ? 1 : 3;
  const auto count = static_cast<std::int64_t>(pictures.size());
  const auto bytes = static_cast<std::size_t>(height * width * channels);
  for (const PixelBytes& picture : pictures) {
    check(picture.size == bytes, ErrorCode::shape, "a picture of ", width, "×", height, " with ", channels, " channels has ", bytes,
          " bytes, got ", picture.size);
  }
  const bool interleaved = layout == PixelLayout::hwc;
  const at::Tensor batch =
      at::empty(interleaved ? std::vector{count, height, width, channels} : std::vector{count, channels, height, width}, at::kByte);
  copyRows(batch.mutable_data_ptr(), count, static_cast<std::int64_t>(bytes),
           [&](std::int64_t i) { return pictures[static_cast<std::size_t>(i)].data; });
  const at::Tensor planes = interleaved ? batch.permute({0, 3, 1, 2}) : batch;
  return resizeImages(planes.expand({count, 3, height, width}), size).contiguous();
}

at::Tensor resizeImages(const at::Tensor& images, std::array<std::int64_t, 2> size) {
  const bool bytes = images.scalar_type() == at::kByte;
  check(images.dim() == 4 && (bytes || images.is_floating_point()), ErrorCode::shape, "images: expected uint8 or floating [N,C,H,W], got ",
        images.dtype().name(), " ", images.sizes());
  if (images.size(2) == size[0] && images.size(3) == size[1]) return images;
  const at::Tensor values = bytes ? images.to(at::kFloat) : images;
  const at::Tensor resized = at::_upsample_bilinear2d_aa(values.contiguous(), size, /*align_corners=*/false);
  return bytes ? resized.round_().clamp_(0.0, 255.0).to(at::kByte) : resized;
}

}  // namespace cumulens
