#include "core/maps/normalise.h"

#include <algorithm>

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

at::Tensor resized(const at::Tensor& maps, std::array<int64_t, 2> size, bool normalise) {
  if (!hasKernel(maps)) return normalise ? normaliseAnywhere(maps, size) : resizeAnywhere(maps, size);
  const at::Tensor out = at::empty({maps.size(0), size[0], size[1]}, maps.options());
  kernels::resizeMaps({maps}, {out}, normalise, {});
  return out;
}

}  // namespace

at::Tensor resizeMaps(const at::Tensor& maps, std::array<int64_t, 2> size) { return resized(maps, size, false); }

at::Tensor resizeAndNormalise(const at::Tensor& maps, std::array<int64_t, 2> size) { return resized(maps, size, true); }

void finishMaps(const std::vector<at::Tensor>& layers, bool normalise, const std::vector<at::Tensor>& outs,
                const kernels::MapsFinished& finished) {
  if (std::all_of(layers.begin(), layers.end(), hasKernel)) return kernels::resizeMaps(layers, outs, normalise, finished);
  for (size_t layer = 0; layer < layers.size(); ++layer) {
    const at::Tensor& out = outs[layer];
    out.copy_(resized(layers[layer], {out.size(1), out.size(2)}, normalise));
    if (finished) finished(layer, 0, out.size(0));
  }
}

}  // namespace cumulens
