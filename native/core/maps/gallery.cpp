#include "core/maps/gallery.h"

#include "core/maps/colormap.h"
#include "core/runtime/error.h"

namespace cumulens {
namespace {

constexpr std::int64_t kGap = 2;     // pixels between two conditions
constexpr std::int64_t kStroke = 2;  // width of the mask's outline

at::Tensor enlarge(const at::Tensor& x, std::int64_t scale) {
  return at::upsample_bilinear2d(x.to(at::kFloat), {x.size(2) * scale, x.size(3) * scale}, /*align_corners=*/false);
}

at::Tensor toPixels(const at::Tensor& bytes) { return bytes.permute({0, 2, 3, 1}).to(at::kCPU).contiguous(); }

// The ring just outside the mask: what a dilation adds to it.
at::Tensor outline(const at::Tensor& masks, std::int64_t scale) {
  const at::Tensor inside = enlarge(masks.to(at::kFloat) / (masks.scalar_type() == at::kByte ? 255.0 : 1.0), scale).ge(0.5).to(at::kFloat);
  const std::int64_t kernel = 2 * kStroke + 1;
  return at::max_pool2d(inside, {kernel, kernel}, {1, 1}, {kStroke, kStroke}).gt(inside);
}

at::Tensor outlined(const GallerySamples& samples, std::int64_t scale) {
  const at::Tensor images = enlarge(samples.images, scale).round().clamp(0, 255).to(at::kByte);
  if (!samples.masks.defined()) return images;
  const at::Tensor colour = at::tensor({255, 255, 255}, images.options()).view({1, 3, 1, 1});
  return at::where(outline(samples.masks, scale), colour, images);
}

at::Tensor enlargedMap(const at::Tensor& maps, std::int64_t scale) {
  return colourise(toBytes(enlarge(toBytes(maps), scale) / 255.0), Colormap::viridis);
}

// [n,P,S,S] → RGB [n,3,S,P·S + (P−1)·gap] on white.
at::Tensor strip(const at::Tensor& conditions) {
  const std::int64_t n = conditions.size(0), p = conditions.size(1), h = conditions.size(2), w = conditions.size(3);
  const at::Tensor tiles = colourise(toBytes(conditions).reshape({n * p, 1, h, w}), Colormap::viridis).view({n, p, 3, h, w});
  const at::Tensor padded = at::constant_pad_nd(tiles, {0, kGap}, 255);
  return padded.permute({0, 2, 3, 1, 4}).reshape({n, 3, h, p * (w + kGap)}).slice(3, 0, p * (w + kGap) - kGap);
}

}  // namespace

GalleryPictures galleryPictures(const GallerySamples& samples, std::int64_t scale) {
  check(scale >= 1 && scale <= 16, ErrorCode::option, "gallery: scale must be 1 to 16, got ", scale);
  check(samples.images.dim() == 4 && samples.images.size(1) == 3 && samples.conditions.dim() == 4 && samples.targets.dim() == 4 &&
            samples.generated.dim() == 4 && samples.targets.size(1) == 1 && samples.generated.size(1) == 1,
        ErrorCode::shape, "gallery: images ", samples.images.sizes(), ", conditions ", samples.conditions.sizes(), ", targets ",
        samples.targets.sizes(), ", generated ", samples.generated.sizes(), ", expected [n,3,S,S], [n,P,S,S], [n,1,S,S], [n,1,S,S]");
  const at::NoGradGuard noGrad;
  return {toPixels(outlined(samples, scale)), toPixels(strip(samples.conditions)), toPixels(enlargedMap(samples.targets, scale)),
          toPixels(enlargedMap(samples.generated, scale))};
}

}  // namespace cumulens
