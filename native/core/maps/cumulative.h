#pragma once

#include <ATen/ATen.h>

#include <vector>

namespace cumulens {

/// The 0-based indices of the P averages that are kept of L: ceil(ceil(100·i/(P−1))·(L−1)/100), in integers; P = 1 keeps L − 1.
/// @throws Error option unless both are ≥ 1.
std::vector<int64_t> keptPositions(int64_t layers, int64_t conditions);

/// C_k = (1/k)·Σ_{i≤k} M_i as maps come in, of which only the kept positions are stored.
class CumulativeAverage {
 public:
  /// @param layers L, the number of maps of each image that will be added; @param conditions P, the number of averages kept.
  /// @param like maps [N,H,W]: the size, type and device of what will be added
  CumulativeAverage(int64_t layers, int64_t conditions, const at::Tensor& like);

  /// Adds the images' maps of one layer; an image's come in the order of `layer`, 0 … L − 1. Threads may add different images at a time.
  /// @param maps [N,H,W], of which the images [begin, end) are read
  void add(int64_t layer, const at::Tensor& maps, int64_t begin, int64_t end);
  /// The kept averages [N,P,H,W], whole once all L maps of all images were added.
  const at::Tensor& conditions() const { return kept_; }

 private:
  std::vector<int64_t> positions_;
  at::Tensor sum_;
  at::Tensor kept_;
};

}  // namespace cumulens
