#include "core/metrics/road.h"

#include "core/metrics/imputation.h"
#include "core/metrics/pixel_ranks.h"
#include "core/runtime/counter_random.h"
#include "core/runtime/error.h"

namespace cumulens {
namespace {

constexpr int64_t kFractions = 9;  // 10, 20 … 90 %

/// Pixels removed at each fraction, int64 [9].
at::Tensor removedPixels(int64_t pixels, const at::TensorOptions& options) {
  return (at::arange(1, kFractions + 1, options) * pixels * 2 + 10).div(20, "floor");
}

/// Versions 0 … 8 lose the least relevant pixels, 9 … 17 the most relevant ones. @returns bool [R,1,H,W]
at::Tensor missingPixels(const at::Tensor& ranks, const at::Tensor& version, const at::Tensor& removed) {
  const int64_t pixels = ranks[0].numel();
  const at::Tensor count = removed.index_select(0, version.remainder(kFractions)).view({-1, 1, 1, 1});
  const at::Tensor leastFirst = (version < kFractions).view({-1, 1, 1, 1});
  return at::where(leastFirst, ranks >= pixels - count, ranks < count);
}

}  // namespace

at::Tensor road(const Scored& scored, double noise, std::uint64_t seed, int64_t first) {
  check(noise >= 0, ErrorCode::option, "noise: expected 0 or more, got ", noise);
  const c10::NoGradGuard noGrad;
  const at::Tensor ranks = pixelRanks(scored.maps, seed, first);
  const at::Tensor removed = removedPixels(scored.height() * scored.width(), ranks.options());
  const at::Tensor drawn =
      counterNormal({seed, RandomStream::imputation, first, scored.count(), 0, scored.images[0].numel()}, scored.images.options())
          .view_as(scored.images) *
      noise;
  const at::Tensor p = followTarget(scored, Output::probability, 2 * kFractions, [&](const at::Tensor& image, const at::Tensor& version) {
    const at::Tensor missing = missingPixels(ranks.index_select(0, image), version, removed);
    const at::Tensor filled = imputeMissing(scored.images.index_select(0, image), missing, scored.subject.cancel);
    return scored.subject.cnn.preprocess(filled + drawn.index_select(0, image) * missing);
  });
  return (p.narrow(1, 0, kFractions) - p.narrow(1, kFractions, kFractions)).mean(1) / 2;
}

}  // namespace cumulens
