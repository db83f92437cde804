#include "core/maps/gallery.h"

#include <ATen/ATen.h>

#include "core/maps/colormap.h"
#include "core/runtime/error.h"

namespace cumulens {
namespace {

using Size = std::array<std::int64_t, 2>;

constexpr std::int64_t kGap = 2;     // pixels between two maps of a strip
constexpr std::int64_t kStroke = 2;  // width of a mask's outline
constexpr std::int64_t kLargest = 4096;

void checkSize(const Size& size) {
  check(size[0] >= 1 && size[1] >= 1 && size[0] <= kLargest && size[1] <= kLargest, ErrorCode::option, "pictures: size must be 1 to ",
        kLargest, ", got ", size[0], "×", size[1]);
}

// Bytes as floats of 0 … 255, bilinear; with antialiasing where it shrinks.
at::Tensor resized(const at::Tensor& bytes, const Size& size) {
  return at::_upsample_bilinear2d_aa(bytes.to(at::kFloat), size, /*align_corners=*/false);
}

at::Tensor rounded(const at::Tensor& x) { return x.round().clamp(0, 255).to(at::kByte); }

at::Tensor toPixels(const at::Tensor& bytes) { return bytes.permute({0, 2, 3, 1}).to(at::kCPU).contiguous(); }

// The ring just outside the mask: what a dilation adds to it.
at::Tensor outline(const at::Tensor& masks, const Size& size) {
  const at::Tensor inside = resized(toBytes(masks), size).ge(127.5).to(at::kFloat);
  const std::int64_t kernel = 2 * kStroke + 1;
  return at::max_pool2d(inside, {kernel, kernel}, {1, 1}, {kStroke, kStroke}).gt(inside);
}

}  // namespace

at::Tensor drawImages(const at::Tensor& images, const at::Tensor& masks, Size size) {
  checkSize(size);
  check(images.dim() == 4 && (images.size(1) == 3 || images.size(1) == 1), ErrorCode::shape, "pictures: images have shape ", images.sizes(),
        ", expected [n,3,H,W] or [n,1,H,W]");
  check(!masks.defined() || (masks.dim() == 4 && masks.size(0) == images.size(0) && masks.size(1) == 1), ErrorCode::shape,
        "pictures: masks have shape ", masks.defined() ? masks.sizes() : at::IntArrayRef(), " for images ", images.sizes());
  const at::NoGradGuard noGrad;
  const at::Tensor drawn = rounded(resized(toBytes(images), size)).expand({-1, 3, -1, -1});
  if (!masks.defined()) return toPixels(drawn);
  return toPixels(at::where(outline(masks.to(images.device()), size), at::full({}, 255, drawn.options()), drawn));
}

at::Tensor drawMaps(const at::Tensor& maps, Size size) {
  checkSize(size);
  check(maps.dim() == 4 && maps.size(1) == 1, ErrorCode::shape, "pictures: maps have shape ", maps.sizes(), ", expected [n,1,H,W]");
  const at::NoGradGuard noGrad;
  return toPixels(colourise(rounded(resized(toBytes(maps), size)), Colormap::viridis));
}

at::Tensor drawStrips(const at::Tensor& maps) {
  check(maps.dim() == 4 && maps.size(1) >= 1, ErrorCode::shape, "pictures: maps have shape ", maps.sizes(), ", expected [n,P,H,W]");
  const at::NoGradGuard noGrad;
  const std::int64_t n = maps.size(0), p = maps.size(1), h = maps.size(2), w = maps.size(3);
  const at::Tensor tiles = colourise(toBytes(maps).reshape({n * p, 1, h, w}), Colormap::viridis).view({n, p, 3, h, w});
  const at::Tensor padded = at::constant_pad_nd(tiles, {0, kGap}, 255);
  return toPixels(padded.permute({0, 2, 3, 1, 4}).reshape({n, 3, h, p * (w + kGap)}).slice(3, 0, (p * (w + kGap)) - kGap));
}

}  // namespace cumulens
