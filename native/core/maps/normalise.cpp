#include "core/maps/normalise.h"

#include "kernels/resize_maps.h"

namespace cumulens {
namespace {

at::Tensor resizeAnywhere(const at::Tensor& maps, std::array<int64_t, 2> size) {
  return at::upsample_bilinear2d(maps.unsqueeze(1), size, /*align_corners=*/false).squeeze(1);
}

at::Tensor normaliseAnywhere(const at::Tensor& maps, std::array<int64_t, 2> size) {
  const std::array<int64_t, 2> pixels{1, 2};
  const at::Tensor range = maps.amax(pixels, true) - maps.amin(pixels, true);
  const at::Tensor resized = resizeAnywhere(maps, size);
  const at::Tensor lowest = resized.amin(pixels, true);
  const at::Tensor spread = resized.amax(pixels, true) - lowest;
  // A downsampled map can lose its range: spread = 0 is flat too. `>` is false for NaN.
  const at::Tensor varies = at::logical_and(range > 1e-6 * maps.abs().amax(pixels, true), spread > 0);
  return at::where(varies, (resized - lowest) / spread, 0.0);
}

/// Where there is a kernel that does it in one pass over memory, six times faster than operator by operator.
bool hasKernel(const at::Tensor& maps) { return maps.is_cpu() && maps.scalar_type() == at::kFloat && maps.numel() > 0; }

at::Tensor finished(const at::Tensor& maps, std::array<int64_t, 2> size, bool normalise) {
  if (!hasKernel(maps)) return normalise ? normaliseAnywhere(maps, size) : resizeAnywhere(maps, size);
  const at::Tensor out = at::empty({maps.size(0), size[0], size[1]}, maps.options());
  kernels::resizeMaps(maps, out, normalise);
  return out;
}

}  // namespace

at::Tensor resizeMaps(const at::Tensor& maps, std::array<int64_t, 2> size) { return finished(maps, size, false); }

at::Tensor resizeAndNormalise(const at::Tensor& maps, std::array<int64_t, 2> size) { return finished(maps, size, true); }

void finishMaps(const at::Tensor& maps, bool normalise, const at::Tensor& out) {
  if (hasKernel(maps))
    kernels::resizeMaps(maps, out, normalise);
  else
    out.copy_(finished(maps, {out.size(1), out.size(2)}, normalise));
}

}  // namespace cumulens
