#pragma once
#include <array>
#include <cstdint>
#include <functional>

#include "core/maps/explain.h"

namespace cumulens {

/// How images become training samples. Every field has been given a value by the caller.
struct PrepareSettings {
  ExplainOptions explain;             ///< its size is the samples' size
  std::array<std::int64_t, 2> input;  ///< the CNN's input [height, width]; images of another size are resized for it
  std::int64_t batchSize = 32;
  bool jetTarget = false;  ///< a jet-coloured RGB picture as the target, as the reference has it
};

/// Training samples on the CPU, in the CNN's order of batches; uint8 is 255 × a value in [0,1].
struct PreparedSamples {
  at::Tensor images;       ///< uint8 [N,3,S,S]
  at::Tensor conditions;   ///< uint8 [N,P,S,S]
  at::Tensor target;       ///< uint8 [N,1,S,S], or [N,3,S,S] with jetTarget
  at::Tensor predicted;    ///< int64 [N]
  at::Tensor targetClass;  ///< int64 [N]
  at::Tensor masks;        ///< uint8 [N,1,S,S] where masks were given
};

/// One forward and one backward pass for each `batchSize` images, quantised on the CNN's device: what comes back to the host is bytes.
/// @param images uint8 [N,3,H,W]; @param masks uint8 [N,1,H,W] or undefined; @param targetClass int64 [N] or undefined for the predicted.
/// @param done is told how many images are finished after each batch.
/// @throws Error{shape}, Error{option}, Error{aborted}.
PreparedSamples prepareSamples(const Cnn& cnn, const at::Tensor& images, const at::Tensor& masks, const at::Tensor& targetClass,
                               const PrepareSettings& settings, const std::function<void(std::int64_t)>& done, const CancelToken& token);

}  // namespace cumulens
