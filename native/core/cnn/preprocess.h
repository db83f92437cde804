#pragma once

#include "core/cnn/spec.h"

#include <ATen/ATen.h>

namespace cumulens {

/// Turns RGB images into a network's input; see PreprocessingSpec.
class Preprocessing {
 public:
  Preprocessing(const PreprocessingSpec& spec, int64_t channels, c10::Device device, at::ScalarType dtype);

  /// @param images [N,C,H,W], uint8 in 0…255 or floating in [0,1], on any device; RGB where the network takes one channel is made gray
  /// (ITU-R 601 luma, as Pillow's "L" is, without its rounding).
  /// @returns [N,C,H,W] on the network's device, in its dtype.
  at::Tensor apply(const at::Tensor& images) const;

  /// @throws Error shape unless images are [N,C,H,W] of the `input` [C,H,W], or RGB where that has one channel.
  static void checkShape(const at::Tensor& images, at::IntArrayRef input);

 private:
  at::Tensor toNetwork(const at::Tensor& images) const;

  int64_t channels_;
  bool bgr_;
  bool identity_;
  // One multiply and one add a channel: x·scale + shift.
  at::Tensor scale_, shift_, scaleOfBytes_;
};

}  // namespace cumulens
