#pragma once

#include <ATen/core/Tensor.h>

#include <utility>
#include <vector>

namespace cumulens {

/// Lets parameters take part in autograd for as long as it lives; at any other time a network's weights are frozen.
class Unfrozen {
 public:
  explicit Unfrozen(std::vector<at::Tensor> parameters) : parameters_(std::move(parameters)) { set(true); }
  ~Unfrozen() { set(false); }
  Unfrozen(const Unfrozen&) = delete;
  Unfrozen& operator=(const Unfrozen&) = delete;

 private:
  void set(bool on) {
    for (at::Tensor& parameter : parameters_) parameter.set_requires_grad(on);
  }
  std::vector<at::Tensor> parameters_;
};

}  // namespace cumulens
