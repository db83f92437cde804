#include "core/cnn/gradients.h"

#include "core/cnn/unfrozen.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

namespace cumulens {

ScoreGradients scoreGradients(const GraphCnn& cnn, const at::Tensor& images, const at::Tensor& weights, bool training,
                              const CancelToken& cancel) {
  check(images.is_floating_point(), ErrorCode::shape, "images must be floating point to have a gradient, got ", images.dtype().name());
  check(weights.dim() == 2 && weights.size(0) == images.size(0) && weights.size(1) == cnn.classes(), ErrorCode::shape, "weights must be [",
        images.size(0), ", ", cnn.classes(), "], one for each logit, got ", weights.sizes());
  std::vector<at::Tensor> inputs{images.to(cnn.device(), cnn.dtype()).detach().clone().requires_grad_(true)};
  inputs.reserve(cnn.trainedNames().size() + 1);
  for (const std::string& name : cnn.trainedNames()) inputs.push_back(cnn.stateDict().at(name));
  const Unfrozen unfrozen({inputs.begin() + 1, inputs.end()});
  const c10::AutoGradMode grad(true);
  Pass pass;
  pass.training = training;
  pass.updateStatistics = false;
  const at::Tensor logits = cnn.run(cnn.preprocess(inputs[0]), pass, cancel);
  const auto gradients = torch::autograd::grad({logits}, inputs, {weights.to(logits.options())}, false, false, true);
  const auto orZeros = [&](size_t i) { return gradients[i].defined() ? gradients[i] : at::zeros_like(inputs[i]); };
  ScoreGradients result{logits.detach(), orZeros(0), {}};
  for (size_t i = 1; i < inputs.size(); ++i) result.parameters[cnn.trainedNames()[i - 1]] = orZeros(i).detach();
  return result;
}

}  // namespace cumulens
