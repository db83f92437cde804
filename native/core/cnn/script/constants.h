#pragma once

#include <torch/csrc/jit/ir/ir.h>

#include <optional>
#include <vector>

namespace cumulens {

/// What a graph says outright: a constant of that very type, or a list made of some.
std::optional<bool> constantBool(const torch::jit::Value* value);
std::optional<int64_t> constantInt(const torch::jit::Value* value);
std::optional<std::vector<int64_t>> constantInts(const torch::jit::Value* value);

}  // namespace cumulens
