#include "core/attribution/image_baselines.h"

#include <ATen/ATen.h>

#include "core/metrics/unit_maps.h"
#include "core/runtime/counter_random.h"
#include "core/runtime/error.h"

namespace cumulens {
namespace {

at::Tensor luma(const at::Tensor& images) {
  check(images.dim() == 4 && (images.size(1) == 1 || images.size(1) == 3), ErrorCode::shape, "luminance: images have shape ",
        images.sizes(), ", expected [n, 1 or 3, H, W]");
  const at::Tensor unit = toUnitDouble(images);
  if (images.size(1) == 1) return unit;
  const at::Tensor weights = at::tensor({0.2126, 0.7152, 0.0722}, at::kDouble).to(images.device()).view({1, 3, 1, 1});
  return (unit * weights).sum(1, true);
}

/// Rows (dim 2) or columns (dim 3) i − 1, i and i + 1 of a padded picture, weighed.
at::Tensor threeAlong(const at::Tensor& padded, std::int64_t dim, std::array<double, 3> weights) {
  const std::int64_t size = padded.size(dim) - 2;
  return padded.narrow(dim, 0, size) * weights[0] + padded.narrow(dim, 1, size) * weights[1] + padded.narrow(dim, 2, size) * weights[2];
}

}  // namespace

at::Tensor luminance(const at::Tensor& images) {
  const at::NoGradGuard noGrad;
  return luma(images).to(at::kFloat);
}

at::Tensor sobel(const at::Tensor& images) {
  constexpr std::array<double, 3> slope{-1, 0, 1}, smooth{1, 2, 1};
  const at::NoGradGuard noGrad;
  const at::Tensor padded = at::replication_pad2d(luma(images), {1, 1, 1, 1});
  const at::Tensor across = threeAlong(threeAlong(padded, 2, smooth), 3, slope);
  const at::Tensor down = threeAlong(threeAlong(padded, 2, slope), 3, smooth);
  return at::hypot(across, down).to(at::kFloat);
}

at::Tensor randomMaps(std::int64_t count, std::array<std::int64_t, 2> size, std::uint64_t seed, std::int64_t first, c10::Device device) {
  const auto [height, width] = size;
  return counterUniform({seed, RandomStream::noise, first, count, 0, height * width}, at::device(device).dtype(at::kFloat))
      .view({count, 1, height, width});
}

}  // namespace cumulens
