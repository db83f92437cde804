#pragma once

#include "core/cnn/script/graph.h"

namespace cumulens {

/// Finds the convolutions of a prepared graph, and the activations that own one, and puts a `cumulens::tap` behind each.
/// @param module whose `forward` it is
void insertTaps(ScriptGraph& script, const torch::jit::Module& module);

}  // namespace cumulens
