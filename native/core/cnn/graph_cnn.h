#pragma once

#include "core/cnn/cnn.h"
#include "core/cnn/op.h"

#include <map>
#include <memory>
#include <optional>

namespace cumulens {

/// Runs the graph of a CnnSpec with ATen operators.
class GraphCnn final : public Cnn {
 public:
  /// Builds the graph, infers every shape, and draws the weights from `seed` (the same on every device); without one they are zeros, to be
  /// loaded.
  /// @throws Error naming the node for an unknown op, a bad attribute, or shapes that do not fit.
  GraphCnn(const CnnSpec& spec, c10::Device device, at::ScalarType dtype, std::optional<uint64_t> seed);

  at::Tensor forward(const at::Tensor& input, const CancelToken& cancel) const override;
  TappedForward forwardWithTaps(const at::Tensor& input, const std::vector<bool>& wanted, const CancelToken& cancel) const override;
  size_t tapCount() const override { return tapCount_; }
  at::Tensor forwardFromInput(const at::Tensor& input, Backward backward, const CancelToken& cancel) const override;
  std::unique_ptr<TapBranch> branchAt(const at::Tensor& input, size_t tap, const CancelToken& cancel) const override;
  int64_t bytesPerImage(bool gradients) const override;
  at::Tensor preprocess(const at::Tensor& images) const override;

  /// A pass under whatever grad mode is on; weights take part in autograd where they require it.
  at::Tensor run(const at::Tensor& input, const Pass& pass, const CancelToken& cancel) const;

  /// Weights by name (`<node>.weight` …), aliased. Includes the running statistics.
  const std::map<std::string, at::Tensor>& stateDict() const override { return state_; }
  /// Copies weights in. @throws Error format, naming what is missing, unknown or of another shape; then nothing has changed. Error option
  /// where they are aliased (see `randomised`).
  void loadStateDict(const std::map<std::string, at::Tensor>& state);
  /// Names of what training changes by gradient, in network order.
  const std::vector<std::string>& trainedNames() const { return trained_; }

  std::vector<WeightedLayer> weightedLayers() const override;
  std::shared_ptr<Cnn> randomised(const std::vector<std::string>& layers, uint64_t seed) const override;
  /// The nodes that use the weights of these layers, by node. @throws Error option for a name that owns none.
  std::vector<bool> usersOf(const std::vector<std::string>& layers) const;

  const std::vector<Shape>& shapes() const { return shapes_; }
  const Shape& inputShape() const { return inputShape_; }
  int64_t classes() const override { return classes_; }
  c10::Device device() const override { return device_; }
  at::ScalarType dtype() const { return dtype_; }

 private:
  class Branch;
  struct Node {
    std::string name;
    std::shared_ptr<const Op> op;
    std::vector<size_t> inputs;  // 0 is the image batch, i + 1 node i
    std::string owner;           // of its weights: itself, or the node that it shares them with
    std::vector<at::Tensor> parameters;
    std::optional<size_t> tap;     // its place among the taps
    std::vector<size_t> lastUses;  // values that nothing needs after this node
  };

  struct TapRecorder;

  GraphCnn(const GraphCnn& source, const std::vector<std::string>& layers, uint64_t seed);

  void addNode(const NodeSpec& spec, std::map<std::string, size_t>& values, std::optional<uint64_t> seed);
  void addParameters(Node& node, bool owns, std::optional<uint64_t> seed);
  void markTaps(const std::vector<std::string>& taps, const std::map<std::string, size_t>& values);
  void markLastUses();
  /// Values of a pass that outlive it, by their index.
  struct Kept {
    std::vector<bool> wanted;
    std::vector<at::Tensor> values;
  };
  at::Tensor execute(const at::Tensor& input, const Pass& pass, const CancelToken& cancel, TapRecorder* recorder, Kept* kept) const;
  at::Tensor executeNode(size_t node, std::vector<at::Tensor>& values, const Pass& pass) const;

  c10::Device device_;
  at::ScalarType dtype_;
  Preprocessing preprocessing_;
  Shape inputShape_;
  int64_t classes_ = 0;
  size_t tapCount_ = 0;
  std::vector<Node> nodes_;
  std::vector<Shape> shapes_;  // of the input and then of each node
  size_t output_ = 0;
  std::map<std::string, at::Tensor> state_;
  std::vector<std::string> trained_;
  bool aliased_ = false;  // weights are another network's too
};

}  // namespace cumulens
