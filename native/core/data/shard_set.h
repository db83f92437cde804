#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace cumulens {

/// The samples of one split: tensors of the same names in every shard, whose first axis is the sample. The tensors may be views of
/// mapped files; nothing is read before it is gathered. Reading is thread-safe.
class ShardSet {
 public:
  /// @throws Error{format} when shards differ in names, dtypes or row shapes, or a shard's tensors in their counts.
  explicit ShardSet(std::vector<std::map<std::string, at::Tensor>> shards);

  /// Number of samples.
  std::int64_t size() const { return starts_.back(); }
  bool has(const std::string& name) const { return !shards_.empty() && shards_.front().count(name) > 0; }
  /// A sample's shape. @throws Error{format} when there is no such tensor.
  at::IntArrayRef shapeOf(const std::string& name) const;
  /// Rows of one tensor, copied: [n, …shape]. @param indices int64 CPU [n], each 0 … size() − 1, in any order.
  /// @throws Error{shape} for an index out of range, Error{format} when there is no such tensor.
  at::Tensor gather(const std::string& name, const at::Tensor& indices) const;

 private:
  const at::Tensor& first(const std::string& name) const;

  std::vector<std::map<std::string, at::Tensor>> shards_;
  std::vector<std::int64_t> starts_;  // where each shard begins, and the total
};

}  // namespace cumulens
