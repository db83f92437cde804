#include "core/metrics/baselines.h"

#include <ATen/ATen.h>

#include "core/attribution/image_baselines.h"
#include "core/maps/normalise.h"
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

BaselineFit::BaselineFit(std::int64_t conditions) : conditions_(conditions) {
  check(conditions >= 1, ErrorCode::option, "baselines: expected at least 1 condition, got ", conditions);
  gram_ = at::zeros({conditions + 1, conditions + 1}, at::kDouble);
  moment_ = at::zeros({conditions + 1}, at::kDouble);
}

void BaselineFit::add(const at::Tensor& conditions, const at::Tensor& targets) {
  check(conditions.dim() == 4 && conditions.size(1) == conditions_, ErrorCode::shape, "baselines: conditions have shape ",
        conditions.sizes(), ", expected [n, ", conditions_, ", S, S]");
  check(targets.dim() == 4 && targets.size(1) == 1 && targets.size(0) == conditions.size(0) &&
            targets.sizes().slice(2) == conditions.sizes().slice(2),
        ErrorCode::shape, "baselines: targets have shape ", targets.sizes(), " for conditions ", conditions.sizes());
  check(!sum_.defined() || sum_.sizes().slice(1) == targets.sizes().slice(1), ErrorCode::shape, "baselines: targets have shape ",
        targets.sizes(), ", the ones before ", sum_.sizes());
  if (targets.size(0) == 0) return;
  const at::NoGradGuard noGrad;
  const at::Tensor design = designMatrix(conditions);
  const at::Tensor answers = toUnitDouble(targets);
  const double pixels = static_cast<double>(targets.size(2) * targets.size(3));
  gram_ += at::mm(design, design.t()).div(pixels).to(at::kCPU);
  moment_ += at::mv(design, answers.flatten()).div(pixels).to(at::kCPU);
  const at::Tensor sum = answers.sum(0, /*keepdim=*/true).to(at::kCPU);
  sum_ = sum_.defined() ? sum_ + sum : sum;
  samples_ += targets.size(0);
}

at::Tensor BaselineFit::linearWeights() const {
  check(samples_ > 0, ErrorCode::option, "baselines: no samples were added");
  const double samples = static_cast<double>(samples_);
  return at::mv(at::linalg_pinv(gram_ / samples, 1e-12, /*hermitian=*/true), moment_ / samples);
}

at::Tensor BaselineFit::meanTarget() const {
  check(samples_ > 0, ErrorCode::option, "baselines: no samples were added");
  return sum_ / static_cast<double>(samples_);
}

at::Tensor applyLinear(const at::Tensor& weights, const at::Tensor& conditions) {
  check(conditions.dim() == 4 && weights.dim() == 1 && weights.size(0) == conditions.size(1) + 1, ErrorCode::shape, "baselines: weights ",
        weights.sizes(), " do not fit conditions ", conditions.sizes(), ", expected [P + 1]");
  const at::NoGradGuard noGrad;
  const at::Tensor w = weights.to(conditions.device());
  const at::Tensor slopes = w.slice(0, 0, -1).view({1, -1, 1, 1});
  return ((toUnitDouble(conditions) * slopes).sum(1, true) + w.slice(0, -1).view({1, 1, 1, 1})).clamp(0, 1).to(at::kFloat);
}

std::map<std::string, at::Tensor> baselineMaps(const at::Tensor& images, const at::Tensor& conditions, const at::Tensor& weights,
                                               const at::Tensor& mean, std::uint64_t seed, std::int64_t first) {
  check(conditions.dim() == 4 && images.dim() == 4 && images.size(0) == conditions.size(0), ErrorCode::shape, "baselines: images ",
        images.sizes(), " do not fit conditions ", conditions.sizes());
  const at::NoGradGuard noGrad;
  const std::int64_t n = conditions.size(0), height = conditions.size(2), width = conditions.size(3);
  std::map<std::string, at::Tensor> maps;
  maps["linear"] = applyLinear(weights, conditions);
  maps["luminance"] = luminance(images);
  maps["meanTarget"] = mean.to(conditions.device(), at::kFloat).expand({n, 1, height, width});
  maps["sobel"] = resizeAndNormalise(sobel(images).squeeze(1), {height, width}).unsqueeze(1);
  maps["random"] = randomMaps(n, {height, width}, seed, first, conditions.device());
  const at::Tensor plain = toUnitDouble(conditions).to(at::kFloat);
  const at::Tensor stretched = resizeAndNormalise(plain.flatten(0, 1), {height, width}).view_as(plain);
  for (std::int64_t k = 0; k < conditions.size(1); ++k) {
    maps[text("condition.", k)] = plain.slice(1, k, k + 1);
    maps[text("condition.", k, ".normalised")] = stretched.slice(1, k, k + 1);
  }
  return maps;
}

}  // namespace cumulens
