#include "core/metrics/baselines.h"

#include <ATen/ATen.h>

#include "core/metrics/unit_maps.h"
#include "core/runtime/error.h"

namespace cumulens {
namespace {

// [n,P,S,S] → [P + 1, n·S·S] with a last row of ones for the intercept.
at::Tensor designMatrix(const at::Tensor& conditions) {
  const at::Tensor rows = toUnitDouble(conditions).transpose(0, 1).flatten(1);
  return at::cat({rows, at::ones({1, rows.size(1)}, rows.options())});
}

}  // namespace

LinearFit::LinearFit(std::int64_t conditions) : conditions_(conditions) {
  check(conditions >= 1, ErrorCode::option, "linear baseline: expected at least 1 condition, got ", conditions);
  gram_ = at::zeros({conditions + 1, conditions + 1}, at::kDouble);
  moment_ = at::zeros({conditions + 1}, at::kDouble);
}

void LinearFit::add(const at::Tensor& conditions, const at::Tensor& targets) {
  check(conditions.dim() == 4 && conditions.size(1) == conditions_, ErrorCode::shape, "linear baseline: conditions have shape ",
        conditions.sizes(), ", expected [n, ", conditions_, ", S, S]");
  check(targets.dim() == 4 && targets.size(1) == 1 && targets.size(0) == conditions.size(0) &&
            targets.sizes().slice(2) == conditions.sizes().slice(2),
        ErrorCode::shape, "linear baseline: targets have shape ", targets.sizes(), " for conditions ", conditions.sizes());
  const at::NoGradGuard noGrad;
  const at::Tensor design = designMatrix(conditions);
  gram_ += at::mm(design, design.t()).to(at::kCPU);
  moment_ += at::mv(design, toUnitDouble(targets).flatten()).to(at::kCPU);
  pixels_ += design.size(1);
}

at::Tensor LinearFit::solve() const {
  check(pixels_ > 0, ErrorCode::option, "linear baseline: no samples were added");
  return at::mv(at::linalg_pinv(gram_ / static_cast<double>(pixels_), 1e-12, /*hermitian=*/true),
                moment_ / static_cast<double>(pixels_));
}

at::Tensor applyLinear(const at::Tensor& weights, const at::Tensor& conditions) {
  check(conditions.dim() == 4 && weights.dim() == 1 && weights.size(0) == conditions.size(1) + 1, ErrorCode::shape,
        "linear baseline: weights ", weights.sizes(), " do not fit conditions ", conditions.sizes(), ", expected [P + 1]");
  const at::NoGradGuard noGrad;
  const at::Tensor w = weights.to(conditions.device());
  const at::Tensor slopes = w.slice(0, 0, -1).view({1, -1, 1, 1});
  return ((toUnitDouble(conditions) * slopes).sum(1, true) + w.slice(0, -1).view({1, 1, 1, 1})).clamp(0, 1).to(at::kFloat);
}

at::Tensor luminance(const at::Tensor& images) {
  check(images.dim() == 4 && images.size(1) == 3, ErrorCode::shape, "luminance: images have shape ", images.sizes(),
        ", expected [n, 3, H, W]");
  const at::NoGradGuard noGrad;
  const at::Tensor weights = at::tensor({0.2126, 0.7152, 0.0722}, at::kDouble).to(images.device()).view({1, 3, 1, 1});
  return (toUnitDouble(images) * weights).sum(1, true).to(at::kFloat);
}

}  // namespace cumulens
