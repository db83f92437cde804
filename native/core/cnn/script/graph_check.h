#pragma once

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/ir.h>

namespace cumulens {

/// @throws Error format unless `forward` takes one batch of images, and may be given no more.
void checkSignature(const c10::FunctionSchema& schema);

/// What only writes text goes, what moves between devices stays where it is, and what is left must be an operation that is allowed,
/// in evaluation mode. @throws Error format naming the operation and its module
void checkNodes(const std::shared_ptr<torch::jit::Graph>& graph);

/// Everything that the graph reads from its module, or has as a constant, is of the type that the graph takes it for, and is left as
/// it is. @throws Error format naming it
void checkState(const std::shared_ptr<torch::jit::Graph>& graph, const torch::jit::Module& module);

}  // namespace cumulens
