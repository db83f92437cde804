#pragma once

#include "core/cnn/augment.h"
#include "core/cnn/graph_cnn.h"
#include "core/data/shard_set.h"
#include "core/runtime/fused_adam.h"
#include "core/runtime/fused_sgd.h"
#include "core/runtime/memory_cache.h"

#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace cumulens {

struct ClassifierOptions {
  int64_t batchSize = 64;
  int64_t totalSteps = 0;
  int64_t warmupSteps = 0;
  bool adam = false;  ///< else SGD
  double learningRate = 0.1;
  double momentum = 0.9;
  bool nesterov = true;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weightDecay = 0.0;  ///< added to the gradient of convolution and linear weights, not of biases and norms
  double labelSmoothing = 0.0;
  AugmentOptions augment;
  /// Layers whose weights stay as they are; a batch norm among them uses its running statistics, which stay too.
  std::vector<std::string> frozen;
  uint64_t seed = 0;
};

/// What a run of steps measured, one number a step, on the augmented batches.
struct TrainChunk {
  std::vector<double> loss;
  std::vector<double> accuracy;
};

struct Evaluation {
  double loss = 0;      ///< mean cross entropy, without label smoothing
  double accuracy = 0;  ///< share of samples whose arg max is the label
  int64_t count = 0;
};

/// Trains a GraphCnn with cross entropy. Every draw depends on (seed, step) alone, so a run that was loaded at step k goes
/// on with the bits of one that never stopped.
class ClassifierTrainer {
 public:
  /// @param data has `image` (uint8) and `label`; @param samples int64, the indices of `data` to train on.
  ClassifierTrainer(std::shared_ptr<GraphCnn> cnn, std::shared_ptr<const ShardSet> data, at::Tensor samples,
                    const ClassifierOptions& options);

  /// Up to `steps` steps; fewer when cancelled (a step is never left half done) or at totalSteps.
  TrainChunk train(int64_t steps, const CancelToken& cancel);

  /// The optimizer's tensors and `step`; the network's weights are its own.
  std::map<std::string, at::Tensor> stateDict() const;
  void loadStateDict(const std::map<std::string, at::Tensor>& state);

 private:
  using Optimizer = std::variant<FusedSgd, FusedAdam>;
  struct Group {
    std::vector<size_t> members;  // of parameters_
    Optimizer optimizer;
  };

  void collectParameters();
  void addGroup(bool decayed);
  at::Tensor batchIndices();
  /// One step; returns loss and accuracy as a device tensor [2].
  at::Tensor trainStep();
  void update(const std::vector<at::Tensor>& gradients);

  MemoryCache memoryCache_;
  std::shared_ptr<GraphCnn> cnn_;
  std::shared_ptr<const ShardSet> data_;
  at::Tensor samples_;
  ClassifierOptions options_;
  int64_t stepsPerEpoch_;
  int64_t step_ = 0;
  int64_t orderEpoch_ = -1;
  at::Tensor order_;
  std::vector<bool> frozenNodes_;
  std::vector<at::Tensor> parameters_;  // what is trained; autograd ends below the first of them
  std::vector<Group> groups_;
};

/// Loss and accuracy on the samples with these indices, in evaluation mode.
Evaluation evaluateClassifier(const Cnn& cnn, const ShardSet& data, const at::Tensor& samples, int64_t batchSize,
                              const CancelToken& cancel);

}  // namespace cumulens
