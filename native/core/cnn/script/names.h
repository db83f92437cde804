#pragma once

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/ir.h>

#include <optional>
#include <string>

namespace cumulens {

/// What a `prim::GetAttr` reads from the module, where the way there is one of attributes alone.
std::optional<c10::IValue> attributeValue(const torch::jit::Node* getAttr, const torch::jit::Module& module);

/// The path of the module whose code an inlined node is from: layer1.0; empty for the model's own.
std::string modulePath(const torch::jit::Node* node);

/// The `prim::GetAttr` of the first parameter that a value comes from; null where there is none.
const torch::jit::Node* parameterOf(const torch::jit::Value* value);

/// Its dotted path: layer1.0.conv1.weight; empty where there is none.
std::string parameterPath(const torch::jit::Value* value);

/// Whether a value is made of parameters and constants alone: a weight that is standardised, say.
bool comesFromParameters(const torch::jit::Value* value);

/// What a convolution is called: the module that holds its weight, whichever way the weight was made; else the module whose code runs
/// it; empty for neither (a frozen model).
std::string convolutionName(const torch::jit::Node* convolution);

}  // namespace cumulens
