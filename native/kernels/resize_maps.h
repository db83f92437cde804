#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <vector>

namespace cumulens::kernels {

/// Told that a layer's maps of the images [begin, end) are finished, by the thread that finished them, while they lie in its cache.
using MapsFinished = std::function<void(size_t layer, int64_t begin, int64_t end)>;

/// Layers' maps [N,h,w] resized to their `outs` [N,H,W] (bilinear, half-pixel centres, no antialias) and, if `normalise`, min–max
/// normalised a map as METHOD §1 says, in one pass over memory: a map is written once, and is in the cache when it is told of.
/// Float32 on the CPU. An image's layers are finished in order, by one thread.
/// @param outs dense in each map; maps may lie apart, and layers may share one, which then holds the last
void resizeMaps(const std::vector<at::Tensor>& layers, const std::vector<at::Tensor>& outs, bool normalise, const MapsFinished& finished);

}  // namespace cumulens::kernels
