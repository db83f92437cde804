#include "core/metrics/masked_prediction.h"

#include "core/metrics/unit_maps.h"

namespace cumulens {
namespace {

/// The colour [1,C,1,1] that preprocessing turns into zeros; gray where the network takes one channel of the images' three.
at::Tensor neutralColour(const Cnn& cnn, const at::Tensor& images) {
  // Preprocessing is affine in a pixel's channels: black gives its shift, each channel alone a row of its matrix.
  const int64_t channels = images.size(1);
  const at::Tensor black = at::zeros({1, channels}, images.options());
  const at::Tensor colours = at::cat({black, at::eye(channels, black.options())});
  const at::Tensor pictures = colours.view({-1, channels, 1, 1}).expand({-1, -1, images.size(2), images.size(3)});
  const at::Tensor seen = cnn.preprocess(pictures).select(3, 0).select(2, 0).to(at::kDouble);
  const at::Tensor shift = seen.slice(0, 0, 1), matrix = seen.slice(0, 1) - shift;
  const at::Tensor colour =
      matrix.size(1) == channels ? at::linalg_solve(matrix, -shift, /*left=*/false) : (-shift / matrix.sum(0)).expand({1, channels});
  return colour.to(black.options()).view({1, channels, 1, 1});
}

}  // namespace

MaskedPrediction maskedPrediction(const Scored& scored) {
  const at::Tensor both = at::cat({scored.input, scored.input * scored.maps.to(scored.input.scalar_type())});
  const at::Tensor p = followTarget(scored, Output::probability, 2, [&](const at::Tensor& image, const at::Tensor& version) {
    return both.index_select(0, image + version * scored.count());
  });
  const at::Tensor before = p.select(1, 0), after = p.select(1, 1);
  MaskedPrediction result;
  result.dropUndefined = before == 0;
  result.drop = at::where(result.dropUndefined, 0.0, 100 * (before - after).clamp_min(0) / before);
  result.increase = (after > before).to(at::kDouble) * 100;
  result.gainUndefined = before == 1;
  result.gain = at::where(result.gainUndefined, 0.0, 100 * (after - before).clamp_min(0) / (1 - before));
  return result;
}

at::Tensor maskImages(const Cnn& cnn, const at::Tensor& images, const at::Tensor& maps) {
  const c10::NoGradGuard noGrad;
  const at::TensorOptions options = cnn.preprocess(images).options();
  checkMapsOf(images, maps);
  const at::Tensor unit = toUnit(images, options);
  return at::lerp(neutralColour(cnn, unit).expand_as(unit), unit, checkedMaps(maps).to(options));
}

}  // namespace cumulens
