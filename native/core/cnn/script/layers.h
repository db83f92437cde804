#pragma once

#include "core/cnn/script/graph.h"

#include <map>
#include <string>
#include <vector>

namespace cumulens {

/// What of a script's state is drawn together: a module's parameters, and a norm's running statistics.
struct ScriptLayer {
  struct Part {
    std::string name;  ///< in the state
    bool kernel;       ///< mixes channels or pixels, as no scale or shift does
  };
  std::string name;  ///< the module's path; of a tensor that lies in no module, its own
  std::vector<Part> parts;
};

/// The layers whose tensors the graph reads, in the order in which it reads them. Buffers other than running statistics were not learned
/// and belong to none. @param state of `module`, by name, aliased.
/// @throws Error format where a convolution or linear layer has its weight as a constant of the graph.
std::vector<ScriptLayer> findLayers(const ScriptGraph& script, const torch::jit::Module& module,
                                    const std::map<std::string, at::Tensor>& state);

/// A tensor in the place of this one that begins anew. A script does not say how its weights began, so all kernels are N(0, 2/fan_in);
/// of the others what is called a bias, beta or running mean is 0, all else 1.
at::Tensor drawAnew(const at::Tensor& tensor, const ScriptLayer::Part& part, const at::Generator& generator);

}  // namespace cumulens
