#include "core/attribution/channel_perturbation.h"

#include "core/cnn/target.h"
#include "core/maps/layer_map.h"
#include "core/maps/normalise.h"
#include "core/runtime/error.h"

#include <c10/core/GradMode.h>

#include <limits>
#include <tuple>

namespace cumulens {
namespace {

/// For each image its channels in parts, so that a pass has at most `rows` rows: work(channels) gives [n, channels.count].
template <class Work>
at::Tensor overChannels(int64_t images, int64_t channels, int64_t rows, Work work) {
  const std::vector<Part> parts = inParts(channels, std::max<int64_t>(1, rows / images));
  std::vector<at::Tensor> scores;
  scores.reserve(parts.size());
  for (const Part& part : parts) scores.push_back(work(part));
  return at::cat(scores, 1);
}

std::unique_ptr<TapBranch> branchAt(const Subject& subject, const at::Tensor& input, int64_t tap) {
  const auto count = static_cast<int64_t>(subject.cnn.tapCount());
  return subject.cnn.branchAt(input, static_cast<size_t>(tapAt(tap, count)), subject.cancel);
}

/// [n,count,h,w]: of each image the channels that vary most.
at::Tensor mostVarying(const at::Tensor& activation, int64_t count) {
  const at::Tensor best = std::get<1>(activation.flatten(2).var(at::IntArrayRef{2}, /*unbiased=*/false).topk(count, 1));
  return activation.gather(1, best.view({-1, count, 1, 1}).expand({-1, -1, activation.size(2), activation.size(3)}));
}

at::Tensor scoreCamOf(const Subject& subject, const Part& images, const ScoreCamOptions& options, int64_t rows) {
  const at::Tensor pictures = images.of(subject.images), input = subject.cnn.preprocess(pictures);
  const at::Tensor target = images.of(subject.target);
  at::Tensor activation = branchAt(subject, input, options.tap)->activation();
  if (options.channels > 0 && options.channels < activation.size(1)) activation = mostVarying(activation, options.channels);
  const at::Tensor base = networkBaseline(subject, pictures, input, options.baseline), seen = input - base;
  const auto size = subject.size();
  const at::Tensor scores = overChannels(images.count, activation.size(1), rows, [&](const Part& channels) {
    const at::Tensor masks = resizeAndNormalise(activation.narrow(1, channels.begin, channels.count).flatten(0, 1), size)
                                 .view({images.count, channels.count, 1, size[0], size[1]});
    const at::Tensor masked = at::addcmul(base.unsqueeze(1), masks, seen.unsqueeze(1)).flatten(0, 1);
    const at::Tensor score = scoresOf(subject, masked, repeated(target, channels.count)).view({images.count, channels.count});
    const at::Tensor empty = masks.flatten(2).amax(2) == 0;
    return score.masked_fill(empty, -std::numeric_limits<double>::infinity());
  });
  // Without a channel that masks anything there is no softmax, and no map.
  return weightedSum(at::nan_to_num(at::softmax(scores, 1), 0.0), activation).relu_();
}

at::Tensor ablationCamOf(const Subject& subject, const Part& images, int64_t tap, int64_t rows) {
  const auto branch = branchAt(subject, subject.cnn.preprocess(images.of(subject.images)), tap);
  const at::Tensor& activation = branch->activation();
  const at::Tensor target = images.of(subject.target);
  const at::Tensor index = at::arange(images.count, target.options());
  const at::Tensor scores = overChannels(images.count, activation.size(1), rows, [&](const Part& channels) {
    at::Tensor ablated = activation.unsqueeze(1).repeat({1, channels.count, 1, 1, 1});
    // [n,k,C,…]: of variant k, channel begin + k.
    ablated.narrow(2, channels.begin, channels.count).diagonal(0, 1, 2).zero_();
    const at::Tensor logits = branch->finish(ablated.flatten(0, 1), repeated(index, channels.count), subject.cancel);
    return targetScores(logits, repeated(target, channels.count)).view({images.count, channels.count});
  });
  const at::Tensor weights = targetScores(branch->logits(), target).unsqueeze(1) - scores;
  return weightedSum(weights, activation).relu_();
}

}  // namespace

at::Tensor scoreCam(const Subject& subject, const ScoreCamOptions& options) {
  check(options.channels >= 0, ErrorCode::option, "channels: expected 1 or more, got ", options.channels);
  const c10::NoGradGuard noGrad;
  const int64_t rows = subject.rowsOfPass(false);
  return overImages(subject, rows, [&](const Part& images) { return scoreCamOf(subject, images, options, rows); });
}

at::Tensor ablationCam(const Subject& subject, int64_t tap) {
  const c10::NoGradGuard noGrad;
  const int64_t rows = subject.rowsOfPass(false);
  return overImages(subject, rows, [&](const Part& images) { return ablationCamOf(subject, images, tap, rows); });
}

}  // namespace cumulens
