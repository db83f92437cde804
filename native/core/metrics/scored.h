#pragma once

#include <ATen/ATen.h>

#include <functional>

#include "core/attribution/subject.h"

namespace cumulens {

/// Maps to be scored by what the CNN says of changed images, and how that is followed: METHOD §9's x, t and E.
struct Scored {
  Subject subject;
  at::Tensor images;                                               ///< the subject's, floating [N,C,H,W] in [0,1], on the CNN's device
  at::Tensor input;                                                ///< x, [N,C',H,W]: the images preprocessed
  at::Tensor maps;                                                 ///< E, float32 [N,1,H,W] in [0,1], on the CNN's device
  std::function<void(int64_t done, int64_t total)> progress = {};  ///< of network rows, after each batch

  int64_t count() const { return images.size(0); }
  int64_t height() const { return images.size(2); }
  int64_t width() const { return images.size(3); }
};

/// @param maps [N,1,H,W] on any device. @throws Error shape or option, naming what does not fit: sizes, maps that are not finite or leave
/// [0,1].
Scored makeScored(const Subject& subject, const at::Tensor& maps);

/// What of the target class is followed.
enum class Output { logit, probability };

/// Makes network input, [R,C',H,W], of R rows: version `version[r]` of image `image[r]`, both int64 [R].
using MakeInput = std::function<at::Tensor(const at::Tensor& image, const at::Tensor& version)>;

/// The target class' output for `versions` of every image: all N × versions rows are stacked into the batches that the network may take.
/// @returns float64 [N,versions] on the CNN's device
at::Tensor followTarget(const Scored& scored, Output output, int64_t versions, const MakeInput& make);

}  // namespace cumulens
