#pragma once

#include <ATen/ATen.h>
#include <torch/csrc/jit/api/module.h>

#include <functional>
#include <map>
#include <string>

namespace cumulens {

/// How a model's tensors are brought to where it runs: floating ones to one dtype (single numbers keep theirs, as they do not promote),
/// pictures' kernels to channels-last, outside autograd.
struct Placement {
  c10::Device device;
  at::ScalarType dtype;

  at::Tensor place(const at::Tensor& tensor) const;
};

using MapTensor = std::function<at::Tensor(const at::Tensor&, const std::string& name)>;

/// A value like this one with `map(tensor, name)` in each tensor's place.
c10::IValue mapTensors(const c10::IValue& value, const MapTensor& map);

/// A module like this one with `map(tensor, name)` in each tensor's place. Each object and tensor is visited once, however often it is
/// shared, and is shared in the copy. @param state gets the new tensors by their dotted name, a shared one by its first.
torch::jit::Module mapState(const torch::jit::Module& module, std::map<std::string, at::Tensor>& state, const MapTensor& map);

}  // namespace cumulens
