#include "core/attribution/perturbation.h"

#include "core/runtime/counter_random.h"
#include "core/runtime/error.h"

#include <c10/core/GradMode.h>

#include <algorithm>

namespace cumulens {
namespace {

/// Scores of a part of the images under masks that they share.
class MaskedImages {
 public:
  MaskedImages(const Subject& subject, const Part& images, const std::string& baseline, bool probability)
      : subject_(subject), score_(probability ? probabilitiesOf : scoresOf), target_(images.of(subject.target)) {
    const at::Tensor pictures = images.of(subject.images);
    input_ = subject.cnn.preprocess(pictures);
    base_ = networkBaseline(subject, pictures, input_, baseline);
  }

  /// [n], of the images as they are.
  at::Tensor whole() const { return score_(subject_, input_, target_); }

  /// [n,masks] for masks [masks,H,W], 1 where the image stays.
  at::Tensor under(const at::Tensor& masks) const {
    const int64_t count = masks.size(0);
    // Preprocessing works on each pixel alone and is affine: mixing after it is mixing before it.
    const at::Tensor mixed = at::lerp(base_.unsqueeze(1), input_.unsqueeze(1), masks.unsqueeze(0).unsqueeze(2));
    return score_(subject_, mixed.flatten(0, 1), repeated(target_, count)).view({target_.size(0), count});
  }

  at::TensorOptions options() const { return input_.options(); }

 private:
  const Subject& subject_;
  at::Tensor (*score_)(const Subject&, const at::Tensor&, const at::Tensor&);
  at::Tensor target_, input_, base_;
};

/// Σ_i values[n,i]·masks[i], [n,H,W].
at::Tensor combined(const at::Tensor& values, const at::Tensor& masks) {
  return at::mm(values, masks.flatten(1)).view({values.size(0), masks.size(1), masks.size(2)});
}

/// Where windows begin along one side.
std::vector<int64_t> windowStarts(int64_t size, int64_t window, int64_t stride) {
  std::vector<int64_t> starts;
  for (int64_t start = 0; start + window < size; start += stride) starts.push_back(start);
  starts.push_back(size - window);
  return starts;
}

/// [count,size]: 1 inside the windows that begin there.
at::Tensor insideAlong(const std::vector<int64_t>& starts, int64_t window, int64_t size, const at::TensorOptions& options) {
  const at::Tensor begin = at::tensor(starts, at::kLong).to(options.device()).unsqueeze(1);
  const at::Tensor pixel = at::arange(size, begin.options());
  return at::logical_and(pixel >= begin, pixel < begin + window).to(options);
}

/// RISE's masks in parts.
class RiseMasks {
 public:
  RiseMasks(const RiseOptions& options, std::array<int64_t, 2> size) : options_(options), size_(size) {
    for (size_t axis = 0; axis < 2; ++axis) cell_[axis] = (size[axis] + options.grid - 1) / options.grid;
  }

  /// [part.count,H,W] in [0,1]
  at::Tensor part(const Part& part, const at::TensorOptions& tensor) const {
    const int64_t cells = options_.grid * options_.grid;
    // A mask draws its cells, and then its shift down and to the right.
    const at::Tensor draws = counterUniform({options_.seed, RandomStream::masks, part.begin, part.count, 0, cells + 2}, tensor);
    const at::Tensor grid = (draws.narrow(1, 0, cells) < options_.keep).to(tensor).view({part.count, 1, options_.grid, options_.grid});
    const std::array<int64_t, 2> large{(options_.grid + 1) * cell_[0], (options_.grid + 1) * cell_[1]};
    const at::Tensor enlarged = at::upsample_bilinear2d(grid, large, /*align_corners=*/false).squeeze(1);
    const at::Tensor mask = at::arange(part.count, draws.options().dtype(at::kLong)).view({-1, 1, 1});
    return enlarged.index({mask, shifted(draws.select(1, cells), 0).unsqueeze(2), shifted(draws.select(1, cells + 1), 1).unsqueeze(1)});
  }

 private:
  /// Rows or columns of the enlarged grid that a mask takes, [count,size].
  at::Tensor shifted(const at::Tensor& draw, size_t axis) const {
    const at::Tensor shift = (draw * cell_[axis]).to(at::kLong);
    return shift.unsqueeze(1) + at::arange(size_[axis], shift.options());
  }

  RiseOptions options_;
  std::array<int64_t, 2> size_;
  std::array<int64_t, 2> cell_{};
};

}  // namespace

at::Tensor occlusion(const Subject& subject, const OcclusionOptions& options) {
  // Not by a structured binding: clang lets no lambda capture one.
  const int64_t height = subject.size()[0], width = subject.size()[1];
  const int64_t window = options.window, stride = options.stride;
  check(window >= 1 && window <= std::min(height, width), ErrorCode::option, "window: expected 1 … ", std::min(height, width),
        " pixels for images of ", height, "×", width, ", got ", window);
  check(stride >= 1 && stride <= window, ErrorCode::option, "stride: expected 1 … ", window, " pixels, the window's, got ", stride);
  const c10::NoGradGuard noGrad;
  const int64_t rows = subject.rowsOfPass(false);
  const std::vector<int64_t> tops = windowStarts(height, window, stride), lefts = windowStarts(width, window, stride);
  const auto across = static_cast<int64_t>(lefts.size()), windows = static_cast<int64_t>(tops.size()) * across;
  return overImages(subject, rows, [&](const Part& images) {
    const MaskedImages masked(subject, images, options.baseline, options.probability);
    const at::Tensor down = insideAlong(tops, window, height, masked.options()),
                     right = insideAlong(lefts, window, width, masked.options());
    const at::Tensor whole = masked.whole().unsqueeze(1);
    at::Tensor falls = at::zeros({images.count, height, width}, masked.options());
    for (const Part& part : inParts(windows, std::max<int64_t>(1, rows / images.count))) {
      const at::Tensor index = at::arange(part.begin, part.begin + part.count, down.options().dtype(at::kLong));
      const at::Tensor inside =
          down.index_select(0, index.div(across, "floor")).unsqueeze(2) * right.index_select(0, index.remainder(across)).unsqueeze(1);
      falls += combined(whole - masked.under(1 - inside), inside);
    }
    const at::Tensor mean = falls / (down.sum(0).unsqueeze(1) * right.sum(0));
    return options.positive ? at::relu(mean) : mean;
  });
}

at::Tensor rise(const Subject& subject, const RiseOptions& options) {
  check(options.masks >= 1, ErrorCode::option, "masks: expected 1 or more, got ", options.masks);
  const auto [height, width] = subject.size();
  check(options.grid >= 1 && options.grid <= std::min(height, width), ErrorCode::option, "grid: expected 1 … ", std::min(height, width),
        " cells for images of ", height, "×", width, ", got ", options.grid);
  check(options.keep > 0 && options.keep <= 1, ErrorCode::option, "keep: expected more than 0 and at most 1, got ", options.keep);
  const c10::NoGradGuard noGrad;
  const int64_t rows = subject.rowsOfPass(false);
  const RiseMasks masks(options, subject.size());
  return overImages(subject, rows, [&](const Part& images) {
    const MaskedImages masked(subject, images, options.baseline, options.probability);
    at::Tensor sum = at::zeros({images.count, subject.size()[0], subject.size()[1]}, masked.options());
    for (const Part& part : inParts(options.masks, std::max<int64_t>(1, rows / images.count))) {
      const at::Tensor batch = masks.part(part, masked.options());
      sum += combined(masked.under(batch), batch);
    }
    return sum / (static_cast<double>(options.masks) * options.keep);
  });
}

}  // namespace cumulens
