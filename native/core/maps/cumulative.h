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
  /// @param layers L, the number of maps that will be added; @param conditions P, the number of averages kept.
  CumulativeAverage(int64_t layers, int64_t conditions);

  /// Adds the next map, [N,H,W].
  void add(const at::Tensor& map);
  /// The kept averages [N,P,H,W], once all L maps were added.
  at::Tensor conditions() const;

 private:
  std::vector<int64_t> positions_;
  int64_t layers_;
  int64_t added_ = 0;
  at::Tensor sum_;
  at::Tensor kept_;
};

}  // namespace cumulens
