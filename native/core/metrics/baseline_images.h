#pragma once
#include <ATen/core/Tensor.h>

#include <string>

namespace cumulens {

/// Pictures in which what was to be seen is gone (METHOD §9), of the images' shape: `zero` (black), `mean` (each channel's own mean),
/// `blur` (a Gaussian of 11 pixels and σ 5 applied twice at 64 pixels, and in proportion at other sizes; borders reflected).
/// @param images floating [N,C,H,W] in [0,1]. @throws Error{option} for another name.
at::Tensor baselineImages(const at::Tensor& images, const std::string& name);

}  // namespace cumulens
