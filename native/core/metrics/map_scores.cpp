#include "core/metrics/map_scores.h"

#include <ATen/ATen.h>

#include "core/metrics/pearson.h"
#include "core/metrics/unit_maps.h"
#include "core/runtime/error.h"

namespace cumulens {
namespace {

constexpr std::int64_t kWindow = 11;
constexpr std::int64_t kHalfWindow = kWindow / 2;
constexpr double kSigma = 1.5;
constexpr double kC1 = 0.01 * 0.01;
constexpr double kC2 = 0.03 * 0.03;
constexpr double kSmallestError = 1e-10;  // 100 dB

at::Tensor gaussian(const at::TensorOptions& options) {
  const at::Tensor offsets = at::arange(kWindow, options) - kHalfWindow;
  const at::Tensor weights = at::exp(offsets.square() / (-2.0 * kSigma * kSigma));
  return weights / weights.sum();
}

/// [size − 10, size]: row i weighs the window that begins at i.
at::Tensor windowMatrix(std::int64_t size, const at::TensorOptions& options) {
  const at::Tensor weights = gaussian(options);
  at::Tensor matrix = at::zeros({size - kWindow + 1, size}, options);
  for (std::int64_t k = 0; k < kWindow; ++k) matrix.diagonal(k).copy_(weights[k]);
  return matrix;
}

// The Gaussian is separable, so a blur is two matrix products: libtorch has no fast convolution in float64.
at::Tensor blur(const at::Tensor& x) {
  return at::matmul(at::matmul(windowMatrix(x.size(2), x.options()), x), windowMatrix(x.size(3), x.options()).t());
}

at::Tensor meanOfSample(const at::Tensor& x) { return x.flatten(1).mean(1); }

at::Tensor structuralSimilarity(const at::Tensor& x, const at::Tensor& y) {
  const std::int64_t n = x.size(0);
  // One blur for all five moments.
  const at::Tensor moments = blur(at::cat({x, y, x * x, y * y, x * y}));
  const auto parts = moments.split(n);
  const at::Tensor &mx = parts[0], &my = parts[1];
  const at::Tensor vx = parts[2] - mx * mx;
  const at::Tensor vy = parts[3] - my * my;
  const at::Tensor cov = parts[4] - mx * my;
  return meanOfSample((2 * mx * my + kC1) * (2 * cov + kC2) / ((mx * mx + my * my + kC1) * (vx + vy + kC2)));
}

}  // namespace

MapScores scoreMaps(const at::Tensor& maps, const at::Tensor& targets) {
  checkMapPair(maps, targets, "map scores");
  check(maps.size(2) >= kWindow && maps.size(3) >= kWindow, ErrorCode::shape, "map scores: maps of ", maps.size(2), "x", maps.size(3),
        " pixels are smaller than SSIM's 11x11 window");
  const at::NoGradGuard noGrad;
  const at::Tensor x = toUnitDouble(maps);
  const at::Tensor y = toUnitDouble(targets);
  MapScores scores;
  scores.mae = meanOfSample((x - y).abs());
  scores.psnr = meanOfSample((x - y).square()).clamp_min(kSmallestError).log10().mul(-10.0);
  scores.ssim = structuralSimilarity(x, y);
  const Correlation correlation = correlateMaps(x, y);
  scores.pearson = correlation.pearson;
  scores.pearsonUndefined = correlation.pearsonUndefined;
  return scores;
}

}  // namespace cumulens
