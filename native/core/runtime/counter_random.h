#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

#include "core/runtime/random.h"

namespace cumulens {

/// Which numbers of a stream: row i holds numbers begin … begin + count − 1 of step first + i.
struct Counters {
  std::uint64_t seed;
  RandomStream stream;
  std::int64_t first;
  std::int64_t rows;
  std::int64_t begin;
  std::int64_t count;
};

/// Uniform numbers in [0,1), multiples of 2^-24: number j of a step is a hash of (seed, stream, step, j), computed on the device for all
/// at once. So they are the same on every device, and however the work is cut into batches.
/// @param options of the result, a floating type. @returns [rows, count]
at::Tensor counterUniform(const Counters& counters, const at::TensorOptions& options);

/// The same, of the standard normal distribution.
at::Tensor counterNormal(const Counters& counters, const at::TensorOptions& options);

}  // namespace cumulens
