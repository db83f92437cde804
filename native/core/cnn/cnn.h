#pragma once

#include "core/cnn/preprocess.h"
#include "core/runtime/cancel.h"
#include "core/runtime/memory_region.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/edge.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace cumulens {

/// A forward pass that can be differentiated at its taps. A tap's value and its place in autograd's graph are kept apart: a network may
/// change a tensor in place after it was tapped, and the gradient is that of the value as it was.
struct TappedForward {
  at::Tensor logits;                         ///< [N,K]
  std::vector<at::Tensor> activations;       ///< [N,C,H,W] a tap, in the order of execution; undefined where it is not wanted
  std::vector<torch::autograd::Edge> edges;  ///< where each tap's gradient arrives; none where it is not wanted
};

/// Weights that are drawn together: those of a node, or of a script's module.
struct WeightedLayer {
  std::string name;
  bool kernel;  ///< among them is one of two dimensions or more, as convolutions and linear layers have it and norms have not
};

/// A forward pass, outside autograd, that can be finished again with other values in one tap's place. It must not outlive its Cnn.
class TapBranch {
 public:
  virtual ~TapBranch() = default;
  TapBranch(const TapBranch&) = delete;
  TapBranch& operator=(const TapBranch&) = delete;

  const at::Tensor& activation() const { return activation_; }  ///< [N,C,H,W], the tap's own values
  const at::Tensor& logits() const { return logits_; }          ///< [N,K]
  /// @param values [M,C,H,W] in the tap's place, not used again; @param samples int64 [M], the image that each row is of.
  /// @returns logits [M,K]
  virtual at::Tensor finish(const at::Tensor& values, const at::Tensor& samples, const CancelToken& cancel) const = 0;

 protected:
  TapBranch() = default;
  at::Tensor activation_, logits_;
};

/// How gradients pass activations. Guided backpropagation (Springenberg et al. 2015): at every activation that rectifies, only where the
/// gradient and the activation's output are both positive.
enum class Backward { ordinary, guided };

/// A classifier that can be explained. All methods belong to the compute thread.
class Cnn {
 public:
  virtual ~Cnn() = default;
  Cnn(const Cnn&) = delete;
  Cnn& operator=(const Cnn&) = delete;

  /// @param input [N,C,H,W], preprocessed. @returns logits [N,K] in evaluation mode, outside autograd.
  virtual at::Tensor forward(const at::Tensor& input, const CancelToken& cancel) const = 0;
  /// The same pass under autograd, which begins at the first wanted taps, with the weights frozen: the gradients at all wanted taps are
  /// one backward pass away (visitTapGradients).
  /// @param wanted which of the `tapCount()` taps; it costs neither time nor memory to leave out those before the rest.
  virtual TappedForward forwardWithTaps(const at::Tensor& input, const std::vector<bool>& wanted, const CancelToken& cancel) const = 0;
  /// How many taps there are, in the order of execution; a reused layer gives two.
  virtual size_t tapCount() const = 0;
  /// The same pass under autograd from the input on, with the weights frozen. @returns logits [N,K]
  virtual at::Tensor forwardFromInput(const at::Tensor& input, Backward backward, const CancelToken& cancel) const = 0;
  /// A pass to be finished again from a tap on. @param tap less than `tapCount()`
  virtual std::unique_ptr<TapBranch> branchAt(const at::Tensor& input, size_t tap, const CancelToken& cancel) const = 0;
  /// About how much memory an image takes in a pass, with what its gradients need or without.
  virtual int64_t bytesPerImage(bool gradients) const = 0;
  /// Images as people hold them (Preprocessing::apply) to the input of `forward`. @throws Error shape if they do not fit.
  virtual at::Tensor preprocess(const at::Tensor& images) const = 0;
  /// K, the number of logits.
  virtual int64_t classes() const = 0;
  /// Where it computes.
  virtual c10::Device device() const = 0;
  /// Weights and buffers by name, aliased.
  virtual const std::map<std::string, at::Tensor>& stateDict() const = 0;
  /// What `forward` uses weights of, in network order. @throws Error format where weights are constants.
  virtual std::vector<WeightedLayer> weightedLayers() const = 0;
  /// A network like this one whose `layers` begin anew: kernels are drawn, norms scale by 1 and shift by 0, and running statistics are
  /// those of a fresh norm, since they too were learned. Every draw depends on `seed` and its tensor's place alone. All other tensors
  /// are aliased: such networks, each made from the one before, cost no more than one copy of the weights.
  /// @throws Error option for a name that is no layer.
  virtual std::shared_ptr<Cnn> randomised(const std::vector<std::string>& layers, uint64_t seed) const = 0;
  /// Of the maps that were made of it last, for those that are made next.
  SpareMemory& spareMemory() const { return spare_; }

 protected:
  Cnn() = default;

 private:
  mutable SpareMemory spare_;
};

struct Prediction {
  at::Tensor logits;         ///< [N,K]
  at::Tensor probabilities;  ///< [N,K], softmax of the logits
  at::Tensor predicted;      ///< int64 [N], arg max
};

/// Classifies images `batchSize` at a time, so that memory is bounded by the batch.
Prediction predict(const Cnn& cnn, const at::Tensor& images, int64_t batchSize, const CancelToken& cancel);

}  // namespace cumulens
