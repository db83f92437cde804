#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace cumulens {

struct AdamOptions {
  double learningRate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-7;
  double weightDecay = 0.0;
};

/// Adam (Kingma, Ba 2015) over a list of parameters in one fused call, `at::_fused_adam_`.
class FusedAdam {
 public:
  /// @param parameters float tensors on one device, updated in place; their order is the order of `step`'s gradients.
  FusedAdam(std::vector<at::Tensor> parameters, AdamOptions options);

  /// One update. @param gradients one for each parameter, of its shape.
  void step(const std::vector<at::Tensor>& gradients, double learningRate);
  void step(const std::vector<at::Tensor>& gradients) { step(gradients, options_.learningRate); }

  const AdamOptions& options() const noexcept { return options_; }

  /// `<i>.exp_avg`, `<i>.exp_avg_sq` for each parameter and `step` (int64, one element); aliases, not copies.
  std::map<std::string, at::Tensor> stateDict() const;
  /// @throws Error{format} for a missing tensor, Error{shape} for one of another shape.
  void loadStateDict(const std::map<std::string, at::Tensor>& state);

 private:
  std::vector<at::Tensor> parameters_;
  std::vector<at::Tensor> averages_;
  std::vector<at::Tensor> squares_;
  std::vector<at::Tensor> steps_;
  std::int64_t count_ = 0;
  AdamOptions options_;
};

}  // namespace cumulens
