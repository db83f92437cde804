#include "core/attribution/backprop.h"

#include "core/attribution/taps.h"
#include "core/cnn/target.h"
#include "core/maps/normalise.h"
#include "core/metrics/baseline_images.h"
#include "core/runtime/counter_random.h"
#include "core/runtime/error.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

#include <functional>
#include <map>

namespace cumulens {
namespace {

/// ∂s/∂images of every row. @param images [M,C,H,W], floating in [0,1]; @param target [M]
at::Tensor imageGradients(const Subject& subject, const at::Tensor& images, const at::Tensor& target, Backward backward) {
  const c10::AutoGradMode grad(true);
  const at::Tensor leaf = images.detach().requires_grad_(true);
  const at::Tensor logits = subject.cnn.forwardFromInput(subject.cnn.preprocess(leaf), backward, subject.cancel);
  const at::Tensor score = targetScores(logits, target).sum();
  if (!score.requires_grad()) return at::zeros_like(images);
  const at::Tensor gradient = torch::autograd::grad({score}, {leaf}, {}, false, false, /*allow_unused=*/true)[0];
  return gradient.defined() ? gradient : at::zeros_like(images);
}

at::Tensor reduced(const at::Tensor& attributions, Reduction reduction) {
  switch (reduction) {
    case Reduction::max:
      return attributions.abs().amax(1);
    case Reduction::sum:
      return attributions.abs().sum(1);
    case Reduction::positive:
      return at::relu(attributions.sum(1));
    case Reduction::net:
      return attributions.sum(1);
  }
  throw Error(ErrorCode::internal, "unknown reduction");
}

/// The images of a part, in [0,1] on the CNN's device.
at::Tensor unitPart(const Subject& subject, const Part& images) {
  const at::Tensor part = images.of(subject.images);
  return unitImages(part, subject.cnn.preprocess(part));
}

/// The mean gradient at `count` variants of each image, as many at once as a pass holds.
/// @param variants(Part) gives [n,variants,C,H,W]
at::Tensor meanGradient(const Subject& subject, const Part& images, int64_t count, int64_t rows,
                        const std::function<at::Tensor(const Part&)>& variants) {
  at::Tensor sum;
  for (const Part& part : inParts(count, std::max<int64_t>(1, rows / images.count))) {
    const at::Tensor batch = variants(part);
    const at::Tensor target = repeated(images.of(subject.target), part.count);
    const at::Tensor gradient = imageGradients(subject, batch.flatten(0, 1), target, Backward::ordinary).view(batch.sizes()).sum(1);
    sum = sum.defined() ? sum + gradient : gradient;
  }
  return sum / count;
}

at::Tensor gradientMap(const Subject& subject, Reduction reduction, Backward backward) {
  return overImages(subject, subject.rowsOfPass(true), [&](const Part& images) {
    return reduced(imageGradients(subject, unitPart(subject, images), images.of(subject.target), backward), reduction);
  });
}

}  // namespace

Reduction reductionFromName(const std::string& name) {
  static const std::map<std::string, Reduction> table{
      {"max", Reduction::max}, {"sum", Reduction::sum}, {"positive", Reduction::positive}, {"net", Reduction::net}};
  const auto found = table.find(name);
  check(found != table.end(), ErrorCode::option, "reduction: expected max, sum, positive or net, got '", name, "'");
  return found->second;
}

at::Tensor saliency(const Subject& subject, Reduction reduction) {
  const c10::NoGradGuard noGrad;
  return gradientMap(subject, reduction, Backward::ordinary);
}

at::Tensor guidedBackprop(const Subject& subject, Reduction reduction) {
  const c10::NoGradGuard noGrad;
  return gradientMap(subject, reduction, Backward::guided);
}

at::Tensor guidedGradCam(const Subject& subject, Reduction reduction, int64_t tap) {
  const c10::NoGradGuard noGrad;
  const at::Tensor cam = resizeAndNormalise(tapMap(subject, "gradcam", tap), subject.size());
  return gradientMap(subject, reduction, Backward::guided).mul_(cam);
}

at::Tensor integratedGradients(const Subject& subject, Reduction reduction, int64_t steps, const std::string& baseline) {
  check(steps >= 1, ErrorCode::option, "steps: expected 1 or more, got ", steps);
  const c10::NoGradGuard noGrad;
  const int64_t rows = subject.rowsOfPass(true);
  return overImages(subject, rows, [&](const Part& images) {
    const at::Tensor unit = unitPart(subject, images), base = baselineImages(unit, baseline), way = unit - base;
    const at::Tensor mean = meanGradient(subject, images, steps, rows, [&](const Part& part) {
      const at::Tensor alpha = (at::arange(part.begin, part.begin + part.count, unit.options()) + 0.5) / steps;
      return at::addcmul(base.unsqueeze(1), alpha.view({1, -1, 1, 1, 1}), way.unsqueeze(1));
    });
    return reduced(way * mean, reduction);
  });
}

at::Tensor smoothGrad(const Subject& subject, Reduction reduction, const SmoothGradOptions& options) {
  check(options.samples >= 1, ErrorCode::option, "samples: expected 1 or more, got ", options.samples);
  check(options.noise >= 0, ErrorCode::option, "noise: expected 0 or more, got ", options.noise);
  const c10::NoGradGuard noGrad;
  const int64_t rows = subject.rowsOfPass(true);
  return overImages(subject, rows, [&](const Part& images) {
    const at::Tensor unit = unitPart(subject, images);
    const std::array<int64_t, 3> pixels{1, 2, 3};
    const at::Tensor sigma = (unit.amax(pixels, true) - unit.amin(pixels, true)) * options.noise;
    const int64_t values = unit[0].numel();
    const at::Tensor mean = meanGradient(subject, images, options.samples, rows, [&](const Part& part) {
      const Counters counters{options.seed, RandomStream::perturbation, options.first + images.begin,
                              images.count, part.begin * values,        part.count * values};
      const at::Tensor noise =
          counterNormal(counters, unit.options()).view({images.count, part.count, unit.size(1), unit.size(2), unit.size(3)});
      return at::addcmul(unit.unsqueeze(1), sigma.unsqueeze(1), noise);
    });
    return reduced(mean, reduction);
  });
}

}  // namespace cumulens
