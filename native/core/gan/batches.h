#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <memory>

#include "core/data/shard_set.h"

namespace cumulens {

/// Bytes stand for byte / kByteRange.
constexpr double kByteRange = 255.0;

struct BatchConfig {
  int64_t size = 32;           // samples of a batch
  int64_t targetChannels = 1;  // one-channel targets are repeated
  bool flips = false;          // mirrors half of the samples: image, conditions and target together
  uint64_t seed = 0;
};

/// One training batch on the device, float.
struct Batch {
  at::Tensor image;       // [N,3,S,S] in [0,1]
  at::Tensor conditions;  // [N,P,S,S] in [0,1]
  at::Tensor target;      // [N,targetChannels,S,S] in [0,1]
};

/// The endless sequence of batches: permutations of the data one after the other, each drawn from the seed and its epoch alone, so that
/// batch k is the same whether the batches before it were drawn or not.
class Batches {
 public:
  Batches(std::shared_ptr<const ShardSet> data, const BatchConfig& config, c10::Device device);

  Batch at(int64_t step);
  /// Samples by their place in the data, in order, never mirrored.
  Batch of(const at::Tensor& indices) const;

 private:
  at::Tensor indicesOf(int64_t step);

  std::shared_ptr<const ShardSet> data_;
  BatchConfig config_;
  c10::Device device_;
  int64_t epoch_ = -1;  // whose permutation is kept
  at::Tensor permutation_;
};

}  // namespace cumulens
