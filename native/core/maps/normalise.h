#pragma once

#include "kernels/resize_maps.h"

#include <ATen/ATen.h>

#include <array>
#include <vector>

namespace cumulens {

/// Maps [N,h,w] resized to `size` [height, width]: bilinear, half-pixel centres, no antialias.
at::Tensor resizeMaps(const at::Tensor& maps, std::array<int64_t, 2> size);

/// Maps [N,h,w] resized and then min–max normalised a sample to [0,1]. A map whose range before the resize is ≤ 1e-6·max|M| becomes zeros.
at::Tensor resizeAndNormalise(const at::Tensor& maps, std::array<int64_t, 2> size);

/// Several layers' maps resized, and normalised or not, into their `outs` [N,H,W]: slices of a larger tensor, say, or the same one over and
/// over. An image's layers are finished in order.
/// @param finished told what is finished and not yet written over: images [begin, end) of a layer; by any thread
void finishMaps(const std::vector<at::Tensor>& layers, bool normalise, const std::vector<at::Tensor>& outs,
                const kernels::MapsFinished& finished = {});

}  // namespace cumulens
