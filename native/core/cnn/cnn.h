#pragma once

#include "core/cnn/preprocess.h"
#include "core/runtime/cancel.h"

#include <ATen/ATen.h>

#include <string>
#include <vector>

namespace cumulens {

/// A forward pass that can be differentiated at its taps.
struct TappedForward {
  at::Tensor logits;                    ///< [N,K]
  std::vector<at::Tensor> activations;  ///< [N,C,H,W] a tap, in the order of execution; a reused layer gives two
};

/// A classifier that can be explained. All methods belong to the compute thread.
class Cnn {
 public:
  virtual ~Cnn() = default;
  Cnn(const Cnn&) = delete;
  Cnn& operator=(const Cnn&) = delete;

  /// @param input [N,C,H,W], preprocessed. @returns logits [N,K] in evaluation mode, outside autograd.
  virtual at::Tensor forward(const at::Tensor& input, const CancelToken& cancel) const = 0;
  /// The same pass under autograd, cut off before the first taps and with the weights frozen: the gradient at a tap is
  /// one `autograd::grad(logits…, activations)` away.
  virtual TappedForward forwardWithTaps(const at::Tensor& input, const CancelToken& cancel) const = 0;
  /// Images as people hold them (Preprocessing::apply) to the input of `forward`. @throws Error shape if they do not fit.
  virtual at::Tensor preprocess(const at::Tensor& images) const = 0;

 protected:
  Cnn() = default;
};

struct Prediction {
  at::Tensor logits;         ///< [N,K]
  at::Tensor probabilities;  ///< [N,K], softmax of the logits
  at::Tensor predicted;      ///< int64 [N], arg max
};

/// Classifies images `batchSize` at a time, so that memory is bounded by the batch.
Prediction predict(const Cnn& cnn, const at::Tensor& images, int64_t batchSize, const CancelToken& cancel);

}  // namespace cumulens
