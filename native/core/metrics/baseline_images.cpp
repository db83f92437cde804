#include "core/metrics/baseline_images.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/runtime/error.h"

namespace cumulens {
namespace {

constexpr double kSize = 64;
constexpr double kBlurHalfWindow = 5;
constexpr double kBlurSigma = 5;

/// [size,size]: row i weighs pixels i − half … i + half, those beyond the border taken from its other side.
at::Tensor blurMatrix(std::int64_t size, double scale, const at::TensorOptions& options) {
  const auto half = std::min<std::int64_t>(std::max<std::int64_t>(std::llround(kBlurHalfWindow * scale), 1), size - 1);
  const at::Tensor offsets = at::arange(-half, half + 1, options.dtype(at::kLong));
  const at::Tensor weights = at::exp(offsets.to(at::kDouble).square() / (-2.0 * kBlurSigma * kBlurSigma * scale * scale));
  const at::Tensor beyond = (at::arange(size, offsets.options()).unsqueeze(1) + offsets).abs();
  const at::Tensor source = at::minimum(beyond, 2 * (size - 1) - beyond);
  return at::zeros({size, size}, options.dtype(at::kDouble))
      .scatter_add_(1, source, (weights / weights.sum()).expand_as(source))
      .to(options);
}

at::Tensor blurred(const at::Tensor& images) {
  const std::int64_t height = images.size(2), width = images.size(3);
  const double scale = static_cast<double>(std::min(height, width)) / kSize;
  const at::Tensor rows = blurMatrix(height, scale, images.options()), columns = blurMatrix(width, scale, images.options());
  return at::matmul(at::matmul(at::mm(rows, rows), images), at::mm(columns, columns).t());
}

}  // namespace

at::Tensor baselineImages(const at::Tensor& images, const std::string& name) {
  if (name == "zero") return at::zeros_like(images);
  if (name == "mean") return images.mean({2, 3}, /*keepdim=*/true).expand_as(images);
  if (name == "blur") return blurred(images);
  throw Error(ErrorCode::option, text("baseline: expected zero, mean or blur, got '", name, "'"));
}

}  // namespace cumulens
