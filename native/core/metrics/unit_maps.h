#pragma once
#include <ATen/core/Tensor.h>

#include <string>

namespace cumulens {

/// Maps as float64 in [0,1]: uint8 is read as value / 255, floats as they are.
at::Tensor toUnitDouble(const at::Tensor& maps);

/// Values in [0,1] in another dtype or on another device: uint8 is read as value / 255, floats as they are.
at::Tensor toUnit(const at::Tensor& values, const at::TensorOptions& options);

/// @throws Error{shape} unless the maps are [N,1,H,W].
void checkMaps(const at::Tensor& maps);

/// @throws Error{shape} unless there is a map of the same size for each image [N,C,H,W].
void checkMapsOf(const at::Tensor& images, const at::Tensor& maps);

/// Maps as float32. @throws Error{option} unless they are finite and lie in [0,1], up to rounding.
at::Tensor checkedMaps(const at::Tensor& maps);

/// @throws Error{shape} unless the two are [N,1,H,W] of the same sizes.
void checkMapPair(const at::Tensor& maps, const at::Tensor& others, const std::string& what);

/// bool [N,H·W]: where a mask [N,1,H,W], in [0,1] or uint8, is at least one half.
at::Tensor insideMasks(const at::Tensor& masks);

}  // namespace cumulens
