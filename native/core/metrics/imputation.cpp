#include "core/metrics/imputation.h"

#include "core/runtime/error.h"
#include "kernels/impute.h"

namespace cumulens {
namespace {

constexpr double kTolerance = 1e-4;
constexpr int64_t kStepsBetweenChecks = 8;

/// The neighbours' weighted sum at every pixel; zeros beyond the border.
class Neighbours {
 public:
  explicit Neighbours(const at::TensorOptions& options)
      : weights_(at::tensor({1., 2., 1., 2., 0., 2., 1., 2., 1.}, at::kDouble).div(12).to(options).view({1, 1, 3, 3})) {}

  at::Tensor operator()(const at::Tensor& x) const {
    return at::conv2d(x.flatten(0, 1).unsqueeze(1), weights_, {}, /*stride=*/1, /*padding=*/1).view(x.sizes());
  }

 private:
  at::Tensor weights_;
};

at::Tensor planeDot(const at::Tensor& a, const at::Tensor& b) { return (a * b).sum({2, 3}, /*keepdim=*/true); }

/// Conjugate gradients for all planes at once; a plane that is done stands still, so that it does not matter which others it is solved
/// with.
at::Tensor solveStacked(const at::Tensor& images, const at::Tensor& missing, const CancelToken& cancel) {
  const Neighbours neighbours(images.options());
  const at::Tensor free = missing.to(images.scalar_type());
  const at::Tensor weight = neighbours(at::ones({1, 1, images.size(2), images.size(3)}, images.options()));
  const at::Tensor known = images * (1 - free);
  at::Tensor value = at::zeros_like(images), residual = free * neighbours(known), direction = residual;
  at::Tensor squares = planeDot(residual, residual);
  const at::Tensor enough = squares * (kTolerance * kTolerance);
  const int64_t most = images.size(2) * images.size(3);
  for (int64_t step = 0; step < most; ++step) {
    const at::Tensor running = squares > enough;
    if (step % kStepsBetweenChecks == 0) {
      cancel.check();
      if (!running.any().item<bool>()) break;
    }
    const at::Tensor product = free * (weight * direction - neighbours(direction));
    const at::Tensor length = at::where(running, squares / planeDot(direction, product), 0.0);
    value.addcmul_(length, direction);
    residual = at::addcmul(residual, length, product, -1);
    const at::Tensor after = planeDot(residual, residual);
    direction = at::addcmul(residual, at::where(running, after / squares, 0.0), direction);
    squares = after;
  }
  return known + value;
}

}  // namespace

at::Tensor imputeMissing(const at::Tensor& images, const at::Tensor& missing, const CancelToken& cancel) {
  check(images.dim() == 4 && images.is_floating_point() && missing.scalar_type() == at::kBool && missing.dim() == 4 &&
            missing.size(0) == images.size(0) && missing.size(1) == 1 && missing.sizes().slice(2) == images.sizes().slice(2),
        ErrorCode::shape, "imputation: missing pixels have shape ", missing.sizes(), " for images ", images.sizes(),
        ", expected bool [N, 1, H, W] for floating [N, C, H, W]");
  const c10::NoGradGuard noGrad;
  if (images.is_cpu() && images.scalar_type() == at::kFloat) return kernels::imputePlanes(images, missing, kTolerance, cancel);
  return solveStacked(images, missing, cancel);
}

}  // namespace cumulens
