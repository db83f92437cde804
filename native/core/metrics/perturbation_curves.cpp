#include "core/metrics/perturbation_curves.h"

#include "core/metrics/baseline_images.h"
#include "core/metrics/pixel_ranks.h"
#include "core/runtime/counter_random.h"
#include "core/runtime/error.h"

namespace cumulens {
namespace {

at::Tensor noiseLike(const at::Tensor& images, std::uint64_t seed, int64_t first) {
  return counterUniform({seed, RandomStream::replacement, first, images.size(0), 0, images[0].numel()}, images.options()).view_as(images);
}

/// Pixels changed at each step, int64 [steps + 1]: step k of all, rounded to whole pixels.
at::Tensor changedPixels(int64_t steps, int64_t pixels, const at::TensorOptions& options) {
  return (at::arange(steps + 1, options) * (2 * pixels) + steps).div(2 * steps, "floor");
}

}  // namespace

std::map<std::string, at::Tensor> perturbationCurves(const Scored& scored, const std::vector<CurveOptions>& curves, int64_t steps,
                                                     std::uint64_t seed, int64_t first) {
  check(!curves.empty() && steps >= 1, ErrorCode::option, "curves: expected at least one, of at least 1 step");
  const c10::NoGradGuard noGrad;
  std::vector<at::Tensor> before, after;
  for (const CurveOptions& curve : curves) {
    const at::Tensor replacement =
        curve.baseline == "noise" ? noiseLike(scored.images, seed, first) : baselineImages(scored.images, curve.baseline);
    const at::Tensor gone = scored.subject.cnn.preprocess(replacement);
    before.push_back(curve.insertion ? gone : scored.input);
    after.push_back(curve.insertion ? scored.input : gone);
  }
  const at::Tensor from = at::cat(before), to = at::cat(after);
  const at::Tensor ranks = pixelRanks(scored.maps, seed, first);
  const int64_t pixels = scored.height() * scored.width(), points = steps + 1, count = scored.count();
  const at::Tensor changed = changedPixels(steps, pixels, ranks.options());

  const auto versions = static_cast<int64_t>(curves.size()) * points;
  const at::Tensor all = followTarget(scored, Output::probability, versions, [&](const at::Tensor& image, const at::Tensor& version) {
    const at::Tensor source = image + version.div(points, "floor") * count;
    const at::Tensor limit = changed.index_select(0, version.remainder(points)).view({-1, 1, 1, 1});
    return at::where(ranks.index_select(0, image) < limit, to.index_select(0, source), from.index_select(0, source));
  });

  const at::Tensor fractions = changed.to(at::kDouble) / static_cast<double>(pixels);
  std::map<std::string, at::Tensor> result;
  for (size_t i = 0; i < curves.size(); ++i) {
    const at::Tensor curve = all.narrow(1, static_cast<int64_t>(i) * points, points).contiguous();
    result[curves[i].name + "Curve"] = curve;
    result[curves[i].name] = at::trapezoid(curve, fractions, 1);
  }
  return result;
}

}  // namespace cumulens
