#pragma once

#include <ATen/ATen.h>
#include <torch/csrc/autograd/edge.h>

#include <functional>
#include <vector>

namespace cumulens {

/// `value` as the beginning of autograd's graph. Unlike a leaf it may be changed in place by what follows, and no gradient stays with it.
at::Tensor asGraphRoot(const at::Tensor& value);

/// Takes ∂score/∂A of a tap as soon as the backward pass has made it. Runs outside autograd.
using TapVisitor = std::function<void(size_t tap, const at::Tensor& gradient)>;

/// One backward pass from a scalar score through all taps, deep ones first. A gradient lives until its visit ends, so that memory holds
/// what autograd itself needs; autograd's graph is used up. A tap that the score does not depend on is not visited.
/// @param edges where each tap's gradient arrives; one without a function is none.
/// @throws whatever `visit` throws, which ends the pass.
void visitTapGradients(const std::vector<torch::autograd::Edge>& edges, const at::Tensor& score, const TapVisitor& visit);

}  // namespace cumulens
