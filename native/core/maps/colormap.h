#pragma once

#include <ATen/ATen.h>

#include <string>

namespace cumulens {

/// viridis: perceptually uniform, readable in gray and by colour-blind people. jet: what older papers show; not monotonic in lightness.
enum class Colormap { viridis, jet };

/// @throws Error{option} for an unknown name.
Colormap colormapFromName(const std::string& name);

/// A map's values as colours: uint8 [N,1,H,W] → uint8 RGB [N,3,H,W], on the map's device.
at::Tensor colourise(const at::Tensor& map, Colormap colormap);

/// Maps as bytes: uint8 as it is, anything else taken to be in [0,1], clamped and rounded.
at::Tensor toBytes(const at::Tensor& map);

}  // namespace cumulens
