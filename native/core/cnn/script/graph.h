#pragma once

#include "core/cnn/script/state.h"

#include <torch/csrc/jit/ir/ir.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace cumulens {

/// A place in a script's graph whose value may be explained.
struct ScriptPoint {
  std::string name;             ///< the module's path: layer1.0.conv1
  std::string op;               ///< conv2d, or the activation's: relu
  std::optional<size_t> owner;  ///< of an activation: the point of the convolution whose only reader it is
};

/// `forward` of a module as one graph, made to be observed.
struct ScriptGraph {
  std::shared_ptr<torch::jit::Graph> graph;
  std::vector<ScriptPoint> points;    ///< in the order of the text; `cumulens::tap(value, i)` stands behind the value of point i
  std::vector<at::Tensor> constants;  ///< those of the graph, aliased
  std::vector<std::string> notes;     ///< for a person, a line each
  /// It is a VGG by its shape: a chain, without norms, of convolutions that are 3×3 with stride 1 and each read by a relu alone.
  bool vggLike = false;
  /// Input channels of the first convolution, where its weight is there to see.
  std::optional<int64_t> channels;
};

/// Inlines every call, sets `training` to false, folds what is constant, checks each operation and what it reads (graph_check.h), moves
/// constants and devices to `placement`, takes a last softmax or sigmoid off, and puts the observer's operations and the limits in.
/// No executor and no optimiser of libtorch comes after: what is checked here is what runs, at every call.
/// @throws Error format for what is refused: another signature, an op that is not allowed, a model that was exported in training mode.
ScriptGraph prepareScriptGraph(const torch::jit::Module& module, const Placement& placement);

}  // namespace cumulens
