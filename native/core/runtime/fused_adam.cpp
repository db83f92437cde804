#include "core/runtime/fused_adam.h"

#include <ATen/ATen.h>

#include "core/runtime/error.h"

namespace cumulens {
namespace {

void loadInto(const std::map<std::string, at::Tensor>& state, const std::string& name, at::Tensor& target) {
  const auto found = state.find(name);
  check(found != state.end(), ErrorCode::format, "optimizer state has no tensor '", name, "'");
  check(found->second.sizes() == target.sizes(), ErrorCode::shape, "optimizer tensor '", name, "' has shape ", found->second.sizes(),
        ", expected ", target.sizes());
  target.copy_(found->second);
}

}  // namespace

FusedAdam::FusedAdam(std::vector<at::Tensor> parameters, AdamOptions options) : parameters_(std::move(parameters)), options_(options) {
  const at::NoGradGuard noGrad;
  for (const at::Tensor& parameter : parameters_) {
    averages_.push_back(at::zeros_like(parameter));
    squares_.push_back(at::zeros_like(parameter));
    steps_.push_back(at::zeros({}, parameter.options().dtype(at::kFloat)));
  }
}

void FusedAdam::step(const std::vector<at::Tensor>& gradients, double learningRate) {
  check(gradients.size() == parameters_.size(), ErrorCode::shape, "Adam got ", gradients.size(), " gradients for ", parameters_.size(),
        " parameters");
  if (parameters_.empty()) return;
  const at::NoGradGuard noGrad;
  at::_foreach_add_(steps_, 1);
  // The kernel walks raw memory: a gradient of another layout (channels last, say) would meet the wrong weights.
  std::vector<at::Tensor> aligned(gradients);
  for (std::size_t i = 0; i < aligned.size(); ++i) {
    check(aligned[i].sizes() == parameters_[i].sizes(), ErrorCode::shape, "Adam got a gradient of shape ", aligned[i].sizes(),
          " for a parameter of shape ", parameters_[i].sizes());
    if (aligned[i].strides() != parameters_[i].strides()) aligned[i] = at::empty_like(parameters_[i]).copy_(aligned[i]);
  }
  at::_fused_adam_(parameters_, aligned, averages_, squares_, {}, steps_, learningRate, options_.beta1, options_.beta2,
                   options_.weightDecay, options_.epsilon, /*amsgrad=*/false, /*maximize=*/false);
  ++count_;
}

std::map<std::string, at::Tensor> FusedAdam::stateDict() const {
  std::map<std::string, at::Tensor> state;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    state[std::to_string(i) + ".exp_avg"] = averages_[i];
    state[std::to_string(i) + ".exp_avg_sq"] = squares_[i];
  }
  state["step"] = at::tensor({count_}, at::kLong);
  return state;
}

void FusedAdam::loadStateDict(const std::map<std::string, at::Tensor>& state) {
  const at::NoGradGuard noGrad;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    loadInto(state, std::to_string(i) + ".exp_avg", averages_[i]);
    loadInto(state, std::to_string(i) + ".exp_avg_sq", squares_[i]);
  }
  at::Tensor count = at::zeros({1}, at::kLong);
  loadInto(state, "step", count);
  count_ = count.item<std::int64_t>();
  for (at::Tensor& step : steps_) step.fill_(static_cast<double>(count_));
}

}  // namespace cumulens
