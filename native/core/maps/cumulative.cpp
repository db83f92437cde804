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

CumulativeAverage::CumulativeAverage(int64_t layers, int64_t conditions, const at::Tensor& like)
    : positions_(keptPositions(layers, conditions)),
      sum_(at::empty(like.sizes(), like.options())),
      kept_(at::empty({like.size(0), conditions, like.size(1), like.size(2)}, like.options())) {}

void CumulativeAverage::add(int64_t layer, const at::Tensor& maps, int64_t begin, int64_t end) {
  at::Tensor sum = sum_.slice(0, begin, end);
  if (layer == 0)
    sum.copy_(maps.slice(0, begin, end));
  else
    sum.add_(maps.slice(0, begin, end));
  for (size_t slot = 0; slot < positions_.size(); ++slot) {
    if (positions_[slot] == layer) kept_.select(1, static_cast<int64_t>(slot)).slice(0, begin, end).copy_(sum).div_(layer + 1);
  }
}

}  // namespace cumulens
