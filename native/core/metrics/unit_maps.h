#pragma once
#include <ATen/core/Tensor.h>

#include <string>

namespace cumulens {

/// Maps as float64 in [0,1]: uint8 is read as value / 255, floats as they are.
at::Tensor toUnitDouble(const at::Tensor& maps);

/// @throws Error{shape} unless the two are [N,1,H,W] of the same sizes.
void checkMapPair(const at::Tensor& maps, const at::Tensor& others, const std::string& what);

}  // namespace cumulens
