#pragma once

#include <torch/csrc/jit/frontend/source_range.h>

#include <memory>

namespace cumulens {

/// How deep code may go, in one definition and in definitions within definitions: a level takes the compiler up to 5 KB of stack.
constexpr int kMaxCodeDepth = 1000;

/// How deep libtorch's parser and compiler, which go down by recursion, would have to go for code: indentation, brackets, and the operators
/// and calls that follow one another within a bracket. Counted on its tokens, before anything is parsed.
/// @throws Error format for `elif`, which the parser nests without a sign of it; exported code has none.
int codeDepth(const std::shared_ptr<torch::jit::Source>& source);

}  // namespace cumulens
