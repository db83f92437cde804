#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

namespace cumulens {

/// The place of every pixel of a map when they are ordered from the most to the least relevant, from 0; pixels of one value stand in a
/// random order that depends on the seed and on the map's index, first + row, alone.
/// @param maps float32 [N,1,H,W], not negative. @returns int64 [N,1,H,W]
at::Tensor pixelRanks(const at::Tensor& maps, std::uint64_t seed, std::int64_t first);

}  // namespace cumulens
