#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace cumulens {

/// Tensors by their name in a file (OIHW, METHOD §4 and §5).
using StateDict = std::map<std::string, at::Tensor>;

/// The trained tensors of a network (its leaves) and the names files know them by. A leaf may hold several named tensors one after
/// the other along dimension 0 (`joined`): the network runs them as one convolution, the files keep the plain names.
class Parameters {
 public:
  /// Takes `value` as a leaf that holds the tensors `names`, in equal parts along dimension 0. Returns the leaf.
  at::Tensor add(std::vector<std::string> names, const at::Tensor& value);

  const std::vector<at::Tensor>& leaves() const { return leaves_; }
  int64_t count() const;

  /// The named tensors: detached contiguous copies.
  StateDict state() const { return named(leaves_); }
  /// The same of `values` that stand for the leaves one by one (their gradients, say).
  StateDict named(const std::vector<at::Tensor>& values) const;

  /// Copies `state` into the leaves, converting the dtype. Throws `format` for a name that is missing, unknown or of another shape; `what`
  /// names the network.
  void load(const StateDict& state, const std::string& what);

 private:
  std::vector<std::vector<std::string>> names_;
  std::vector<at::Tensor> leaves_;
};

}  // namespace cumulens
