#include "core/data/shard_set.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/data/copy_rows.h"
#include "core/runtime/error.h"

namespace cumulens {
namespace {

void checkLike(const at::Tensor& tensor, const at::Tensor& first, const std::string& name, std::size_t shard) {
  check(tensor.dim() == first.dim() && tensor.sizes().slice(1) == first.sizes().slice(1) && tensor.scalar_type() == first.scalar_type(),
        ErrorCode::format, "shard ", shard, ": '", name, "' is ", tensor.dtype().name(), " ", tensor.sizes(), ", in the first shard ",
        first.dtype().name(), " ", first.sizes());
}

}  // namespace

ShardSet::ShardSet(std::vector<std::map<std::string, at::Tensor>> shards) : shards_(std::move(shards)), starts_{0} {
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    check(!shards_[i].empty() && shards_[i].size() == shards_.front().size(), ErrorCode::format, "shard ", i, " has ", shards_[i].size(),
          " tensors, the first has ", shards_.front().size());
    const std::int64_t count = shards_[i].begin()->second.size(0);
    for (auto& [name, tensor] : shards_[i]) {
      check(has(name), ErrorCode::format, "shard ", i, " has a tensor '", name, "' that the first has not");
      check(tensor.device().is_cpu() && tensor.dim() > 0 && tensor.size(0) == count, ErrorCode::format, "shard ", i, ": '", name,
            "' must be on the CPU with ", count, " rows, got ", tensor.sizes());
      checkLike(tensor, first(name), name, i);
      tensor = tensor.contiguous();
    }
    starts_.push_back(starts_.back() + count);
  }
}

const at::Tensor& ShardSet::first(const std::string& name) const {
  check(has(name), ErrorCode::format, "the data has no '", name, "'");
  return shards_.front().at(name);
}

at::IntArrayRef ShardSet::shapeOf(const std::string& name) const { return first(name).sizes().slice(1); }

at::Tensor ShardSet::gather(const std::string& name, const at::Tensor& indices) const {
  check(indices.device().is_cpu() && indices.dim() == 1 && indices.scalar_type() == at::kLong, ErrorCode::shape,
        "indices must be int64 [n] on the CPU, got ", indices.sizes());
  std::vector<std::int64_t> shape{indices.size(0)};
  const at::IntArrayRef row = shapeOf(name);
  shape.insert(shape.end(), row.begin(), row.end());
  at::Tensor result = at::empty(shape, first(name).options());
  const at::Tensor order = indices.contiguous();
  const auto* const index = order.const_data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < shape[0]; ++i) {
    check(index[i] >= 0 && index[i] < size(), ErrorCode::shape, "index ", index[i], " is outside the ", size(), " samples");
  }
  std::vector<const std::byte*> sources;
  for (const auto& shard : shards_) sources.push_back(static_cast<const std::byte*>(shard.at(name).const_data_ptr()));
  const std::int64_t bytes = shape[0] > 0 ? static_cast<std::int64_t>(result.nbytes()) / shape[0] : 0;
  copyRows(result.mutable_data_ptr(), shape[0], bytes, [&](std::int64_t i) {
    const auto shard = static_cast<std::size_t>(std::upper_bound(starts_.begin(), starts_.end(), index[i]) - starts_.begin() - 1);
    return sources[shard] + ((index[i] - starts_[shard]) * bytes);
  });
  return result;
}

}  // namespace cumulens
