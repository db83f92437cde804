#include "core/cnn/tap_gradients.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/engine.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/variable.h>

namespace cumulens {
namespace {

/// Where gradients end.
class GraphRoot final : public torch::autograd::Node {
 public:
  torch::autograd::variable_list apply(torch::autograd::variable_list&&) override { return {}; }
};

/// Shows a node's incoming gradients to the visitor before the node uses them.
class VisitBefore final : public torch::autograd::FunctionPreHook {
 public:
  VisitBefore(size_t tap, uint32_t input, const TapVisitor& visit) : tap_(tap), input_(input), visit_(visit) {}

  torch::autograd::variable_list operator()(const torch::autograd::variable_list& gradients) override {
    const at::Tensor& gradient = gradients[input_];
    if (gradient.defined()) {
      const c10::NoGradGuard noGrad;
      visit_(tap_, gradient);
    }
    return gradients;
  }

 private:
  size_t tap_;
  uint32_t input_;
  const TapVisitor& visit_;
};

}  // namespace

at::Tensor asGraphRoot(const at::Tensor& value) {
  at::Tensor root = value.is_view() ? value.clone() : value;
  torch::autograd::create_gradient_edge(root, c10::make_intrusive<GraphRoot>());
  return root;
}

void visitTapGradients(const std::vector<torch::autograd::Edge>& edges, const at::Tensor& score, const TapVisitor& visit) {
  if (!score.requires_grad()) return;
  for (size_t tap = 0; tap < edges.size(); ++tap) {
    if (const auto& [function, input] = edges[tap]; function) {
      function->add_tensor_pre_hook(std::make_unique<VisitBefore>(tap, input, visit));
    }
  }
  // Every path of the graph ends at a tap, where it began: running all of it runs nothing in vain, and no result has to be captured.
  torch::autograd::Engine::get_default_engine().execute({torch::autograd::impl::gradient_edge(score)}, {at::ones_like(score)},
                                                        /*keep_graph=*/false, /*create_graph=*/false, /*accumulate_grad=*/true);
}

}  // namespace cumulens
