#pragma once

#include "core/cnn/cnn.h"
#include "core/cnn/op.h"

#include <map>

namespace cumulens {

/// Runs the graph of a CnnSpec with ATen operators.
class GraphCnn final : public Cnn {
 public:
  /// Builds the graph, infers every shape, and draws the weights from `seed` (the same on every device).
  /// @throws Error naming the node for an unknown op, a bad attribute, or shapes that do not fit.
  GraphCnn(const CnnSpec& spec, c10::Device device, at::ScalarType dtype, uint64_t seed);

  at::Tensor forward(const at::Tensor& input, const CancelToken& cancel) const override;
  TappedForward forwardWithTaps(const at::Tensor& input, const CancelToken& cancel) const override;
  at::Tensor preprocess(const at::Tensor& images) const override;

  /// A pass under whatever grad mode is on; weights take part in autograd where they require it.
  at::Tensor run(const at::Tensor& input, const Pass& pass, const CancelToken& cancel) const;

  /// Weights by name (`<node>.weight` …), aliased. Includes the running statistics.
  const std::map<std::string, at::Tensor>& stateDict() const { return state_; }
  /// Copies weights in. @throws Error format, naming what is missing, unknown or of another shape; then nothing has changed.
  void loadStateDict(const std::map<std::string, at::Tensor>& state);
  /// Names of what training changes by gradient, in network order.
  const std::vector<std::string>& trainedNames() const { return trained_; }

  const std::vector<Shape>& shapes() const { return shapes_; }
  const Shape& inputShape() const { return inputShape_; }
  int64_t classes() const { return classes_; }
  c10::Device device() const { return device_; }
  at::ScalarType dtype() const { return dtype_; }

 private:
  struct Node {
    std::string name;
    OpPointer op;
    std::vector<size_t> inputs;  // 0 is the image batch, i + 1 node i
    std::vector<at::Tensor> parameters;
    bool tap = false;
    std::vector<size_t> lastUses;  // values that nothing needs after this node
  };

  void addNode(const NodeSpec& spec, std::map<std::string, size_t>& values, uint64_t seed);
  void addParameters(Node& node, const NodeSpec& spec, uint64_t seed);
  void markTaps(const std::vector<std::string>& taps, const std::map<std::string, size_t>& values);
  void markLastUses();
  at::Tensor execute(const at::Tensor& input, const Pass& pass, const CancelToken& cancel, std::vector<at::Tensor>* activations) const;

  c10::Device device_;
  at::ScalarType dtype_;
  Preprocessing preprocessing_;
  Shape inputShape_;
  int64_t classes_ = 0;
  std::vector<Node> nodes_;
  std::vector<Shape> shapes_;  // of the input and then of each node
  size_t output_ = 0;
  std::map<std::string, at::Tensor> state_;
  std::vector<std::string> trained_;
};

}  // namespace cumulens
