#pragma once

#include "core/cnn/spec.h"

#include <ATen/ATen.h>

namespace cumulens {

/// Turns RGB images into a network's input; see PreprocessingSpec.
class Preprocessing {
 public:
  Preprocessing(const PreprocessingSpec& spec, int64_t channels, c10::Device device, at::ScalarType dtype);

  /// @param images [N,C,H,W], uint8 in 0…255 or floating in [0,1], on any device.
  /// @returns [N,C,H,W] on the network's device, in its dtype.
  at::Tensor apply(const at::Tensor& images) const;

 private:
  bool bgr_;
  bool identity_;
  // One multiply and one add a channel: x·scale + shift.
  at::Tensor scale_, shift_, scaleOfBytes_;
};

}  // namespace cumulens
