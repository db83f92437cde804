#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

namespace cumulens {

/// Images with noise added, uniform in ±radius: of draw `draw` for image first + row, whatever the batch.
/// @param images [N,C,H,W], uint8 or floating in [0,1]. @returns floating, up to `radius` outside [0,1]. @throws Error shape, option
at::Tensor shakeImages(const at::Tensor& images, double radius, std::uint64_t seed, std::int64_t first, std::int64_t draw);

/// How far maps moved, float64 [N].
struct MapChange {
  at::Tensor change;           ///< ‖E' − E‖₂/‖E‖₂, lower is better; 0 where undefined
  at::Tensor changeUndefined;  ///< bool [N]: E is all zeros
};

/// @param maps E and others E', [N,1,H,W]. @throws Error shape
MapChange mapChange(const at::Tensor& maps, const at::Tensor& others);

}  // namespace cumulens
