#include "core/cnn/guided.h"

#include <ATen/ATen.h>

namespace cumulens {

void guideGradient(const at::Tensor& output) {
  if (!output.requires_grad()) return;
  // The mask, not the output: a hook that held its own tensor would never be freed, and the graph may change the tensor in place.
  output.register_hook([positive = output.detach() > 0](const at::Tensor& gradient) { return at::relu(gradient) * positive; });
}

}  // namespace cumulens
