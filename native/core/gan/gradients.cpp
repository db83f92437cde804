#include "core/gan/gradients.h"

#include <torch/csrc/autograd/autograd.h>

#include "core/runtime/error.h"

namespace cumulens {

L1Gradients l1Gradients(const Generator& generator, const at::Tensor& images, const at::Tensor& conditions, const at::Tensor& target,
                        const CancelToken& cancel) {
  const auto& leaves = generator.parameters().leaves();
  const auto leaf = [&](const at::Tensor& t) { return t.to(leaves.front().options()).detach().clone().requires_grad_(); };
  const at::Tensor x = leaf(images);
  const at::Tensor c = leaf(conditions);
  const at::Tensor output = generator.forward(x, c, cancel);
  check(target.sizes() == output.sizes(), ErrorCode::shape, "the target has shape ", target.sizes(), ", expected ", output.sizes());
  const at::Tensor l1 = (output - target.to(output.options())).abs().mean();
  std::vector<at::Tensor> inputs{x, c};
  inputs.insert(inputs.end(), leaves.begin(), leaves.end());
  std::vector<at::Tensor> gradients = torch::autograd::grad({l1}, inputs);
  const std::vector<at::Tensor> ofLeaves(gradients.begin() + 2, gradients.end());
  return {output.detach().contiguous(), l1.detach(), gradients[0], gradients[1], generator.parameters().named(ofLeaves)};
}

}  // namespace cumulens
