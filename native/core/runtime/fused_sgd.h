#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

namespace cumulens {

struct SgdOptions {
  double learningRate = 0.1;
  double momentum = 0.9;
  bool nesterov = true;
  double weightDecay = 0.0;
};

/// SGD with momentum over a list of parameters in one fused call, `at::_fused_sgd_` (PyTorch's rule: the learning rate
/// multiplies the momentum buffer, not what goes into it).
class FusedSgd {
 public:
  /// @param parameters float tensors on one device, updated in place; their order is the order of `step`'s gradients.
  FusedSgd(std::vector<at::Tensor> parameters, SgdOptions options);

  /// One update. @param gradients one for each parameter, of its shape.
  void step(const std::vector<at::Tensor>& gradients, double learningRate);

  /// `<i>.momentum` for each parameter; aliases, not copies.
  std::map<std::string, at::Tensor> stateDict() const;
  /// @throws Error{format} for a missing tensor, Error{shape} for one of another shape.
  void loadStateDict(const std::map<std::string, at::Tensor>& state);

 private:
  std::vector<at::Tensor> parameters_;
  std::vector<at::Tensor> momenta_;
  SgdOptions options_;
};

}  // namespace cumulens
