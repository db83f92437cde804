#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

namespace cumulens {

/// The mean over all samples so far, batch by batch: so a data set's mean takes one batch's memory.
/// @param mean float64 [1,…] of the `count` samples before, or undefined for count 0; @param values [n,…], n ≥ 1, uint8 read as value /
/// 255.
/// @returns float64 [1,…] on the CPU, of count + n samples. @throws Error{shape}
at::Tensor runningMean(const at::Tensor& mean, std::int64_t count, const at::Tensor& values);

}  // namespace cumulens
