#pragma once

#include <torch/csrc/jit/ir/ir.h>

#include <functional>

namespace cumulens {

/// All nodes of a block and of those within it, in the order of the text; `visit` may remove the node it is given, and insert others
/// around it.
inline void forEachNode(torch::jit::Block* block, const std::function<void(torch::jit::Node*)>& visit) {
  for (auto it = block->nodes().begin(); it != block->nodes().end();) {
    torch::jit::Node* node = *it++;
    for (torch::jit::Block* inner : node->blocks()) forEachNode(inner, visit);
    visit(node);
  }
}

}  // namespace cumulens
