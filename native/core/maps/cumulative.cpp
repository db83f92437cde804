#include "core/maps/cumulative.h"

#include "core/runtime/error.h"

namespace cumulens {
namespace {

int64_t ceilDivide(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

std::vector<int64_t> keptPositions(int64_t layers, int64_t conditions) {
  check(layers >= 1, ErrorCode::option, "the number of layers must be ≥ 1, got ", layers);
  check(conditions >= 1, ErrorCode::option, "the number of conditions must be ≥ 1, got ", conditions);
  if (conditions == 1) return {layers - 1};
  std::vector<int64_t> positions;
  positions.reserve(static_cast<size_t>(conditions));
  for (int64_t i = 0; i < conditions; ++i) {
    positions.push_back(ceilDivide(ceilDivide(100 * i, conditions - 1) * (layers - 1), 100));
  }
  return positions;
}

CumulativeAverage::CumulativeAverage(int64_t layers, int64_t conditions) : positions_(keptPositions(layers, conditions)), layers_(layers) {}

void CumulativeAverage::add(const at::Tensor& map) {
  check(added_ < layers_, ErrorCode::internal, "a cumulative average of ", layers_, " maps got one more");
  if (added_ == 0) {
    sum_ = map.clone();
    kept_ = at::empty({map.size(0), static_cast<int64_t>(positions_.size()), map.size(1), map.size(2)}, map.options());
  } else {
    sum_.add_(map);
  }
  for (size_t slot = 0; slot < positions_.size(); ++slot) {
    if (positions_[slot] == added_) kept_.select(1, static_cast<int64_t>(slot)).copy_(sum_).div_(added_ + 1);
  }
  ++added_;
}

at::Tensor CumulativeAverage::conditions() const {
  check(added_ == layers_, ErrorCode::internal, "a cumulative average of ", layers_, " maps got ", added_);
  return kept_;
}

}  // namespace cumulens
