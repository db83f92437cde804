#pragma once

#include "core/cnn/op.h"

namespace cumulens {

/// A fresh parameter in float32 on the CPU. heNormal: N(0, 2/fan_in), He et al. 2015, for layers before a relu;
/// fanInUniform: U(±1/√fan_in); quarters: 0.25, the slope at which a prelu begins (He et al. 2015).
at::Tensor initialise(const ParameterSpec& spec, const at::Generator& generator);

}  // namespace cumulens
