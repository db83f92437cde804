#include "core/maps/normalise.h"

namespace cumulens {

at::Tensor resizeAndNormalise(const at::Tensor& maps, std::array<int64_t, 2> size) {
  const std::array<int64_t, 2> pixels{1, 2};
  const at::Tensor range = maps.amax(pixels, true) - maps.amin(pixels, true);
  const at::Tensor resized = at::upsample_bilinear2d(maps.unsqueeze(1), size, false).squeeze(1);
  const at::Tensor lowest = resized.amin(pixels, true);
  const at::Tensor spread = resized.amax(pixels, true) - lowest;
  // A downsampled map can lose its range: spread = 0 is flat too. `>` is false for NaN.
  const at::Tensor varies = at::logical_and(range > 1e-6 * maps.abs().amax(pixels, true), spread > 0);
  return at::where(varies, (resized - lowest) / spread, 0.0);
}

}  // namespace cumulens
