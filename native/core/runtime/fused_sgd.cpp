#include "core/runtime/fused_sgd.h"

#include "core/runtime/error.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

namespace cumulens {

FusedSgd::FusedSgd(std::vector<at::Tensor> parameters, SgdOptions options) : parameters_(std::move(parameters)), options_(options) {
  const c10::NoGradGuard noGrad;
  for (const at::Tensor& parameter : parameters_) momenta_.push_back(at::zeros_like(parameter));
}

void FusedSgd::step(const std::vector<at::Tensor>& gradients, double learningRate) {
  check(gradients.size() == parameters_.size(), ErrorCode::shape, "SGD got ", gradients.size(), " gradients for ", parameters_.size(),
        " parameters");
  if (parameters_.empty()) return;
  const c10::NoGradGuard noGrad;
  // A zero buffer makes the first step like any other.
  at::_fused_sgd_(parameters_, gradients, momenta_, options_.weightDecay, options_.momentum, learningRate,
                  /*dampening=*/0.0, options_.nesterov, /*maximize=*/false, /*is_first_step=*/false);
}

std::map<std::string, at::Tensor> FusedSgd::stateDict() const {
  std::map<std::string, at::Tensor> state;
  for (size_t i = 0; i < momenta_.size(); ++i) state[std::to_string(i) + ".momentum"] = momenta_[i];
  return state;
}

void FusedSgd::loadStateDict(const std::map<std::string, at::Tensor>& state) {
  const c10::NoGradGuard noGrad;
  for (size_t i = 0; i < momenta_.size(); ++i) {
    const std::string name = std::to_string(i) + ".momentum";
    const auto found = state.find(name);
    check(found != state.end(), ErrorCode::format, "optimizer state has no tensor '", name, "'");
    check(found->second.sizes() == momenta_[i].sizes(), ErrorCode::shape, "optimizer tensor '", name, "' has shape ", found->second.sizes(),
          ", expected ", momenta_[i].sizes());
    momenta_[i].copy_(found->second);
  }
}

}  // namespace cumulens
