#pragma once

#include "core/cnn/cnn.h"
#include "core/cnn/op.h"

#include <memory>
#include <optional>

namespace cumulens {

/// What a TorchScript file does not say.
struct ScriptOptions {
  std::optional<int64_t> channels;  ///< those of the first convolution if not given
  int64_t height = 0;
  int64_t width = 0;
  PreprocessingSpec preprocessing;
  c10::Device device{c10::kCPU};
  at::ScalarType dtype = at::kFloat;
};

/// A value that may be explained, as a run at loading found it.
struct ScriptTap {
  std::string name;  ///< the module's path; its second pass is `conv#2`
  std::string op;
  Shape shape;                  ///< [C,H,W]
  std::optional<size_t> owner;  ///< of an activation: which of these is the convolution that it alone reads
};

/// Runs a TorchScript model, traced or scripted, as it is. Its graph runs in libtorch's interpreter with neither executor nor optimiser
/// around it, so that every call runs the same operations, and no convolution is fused away (script/graph.h).
class ScriptCnn final : public Cnn {
 public:
  /// @param archive uint8 [n] on the CPU, whose bytes are whole (CRC-32). Nothing but the graph of `forward` is ever run.
  /// @throws Error format for what is refused, shape where it does not take such images or gives no logits.
  ScriptCnn(const at::Tensor& archive, const ScriptOptions& options, const CancelToken& cancel);
  ~ScriptCnn() override;

  at::Tensor forward(const at::Tensor& input, const CancelToken& cancel) const override;
  TappedForward forwardWithTaps(const at::Tensor& input, const std::vector<bool>& wanted, const CancelToken& cancel) const override;
  size_t tapCount() const override;
  at::Tensor forwardFromInput(const at::Tensor& input, Backward backward, const CancelToken& cancel) const override;
  /// The whole model runs again for every `finish`: its graph is not cut.
  std::unique_ptr<TapBranch> branchAt(const at::Tensor& input, size_t tap, const CancelToken& cancel) const override;
  int64_t bytesPerImage(bool gradients) const override;
  at::Tensor preprocess(const at::Tensor& images) const override;
  const std::map<std::string, at::Tensor>& stateDict() const override;
  std::vector<WeightedLayer> weightedLayers() const override;
  std::shared_ptr<Cnn> randomised(const std::vector<std::string>& layers, uint64_t seed) const override;

  /// All that may be explained, in the order of execution.
  const std::vector<ScriptTap>& candidates() const { return candidates_; }
  /// Which of them `forwardWithTaps` gives. @throws Error option for a name that is none.
  void selectTaps(const std::vector<std::string>& names);
  /// METHOD: VGG16 is tapped at its activations, whatever format it came in.
  bool vggLike() const;
  const Shape& inputShape() const { return inputShape_; }
  int64_t classes() const override { return classes_; }
  c10::Device device() const override;
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  struct Program;
  class Branch;

  ScriptCnn(const ScriptCnn& source, std::unique_ptr<Program> program);
  TappedForward tapped(const at::Tensor& input, const std::vector<bool>& wanted, const CancelToken& cancel) const;
  static std::unique_ptr<Program> load(const at::Tensor& archive, const ScriptOptions& options);
  void discover(const CancelToken& cancel);

  std::unique_ptr<Program> program_;
  std::optional<Preprocessing> preprocessing_;
  Shape inputShape_;
  int64_t classes_ = 0;
  std::vector<ScriptTap> candidates_;
  std::vector<std::string> notes_;
};

}  // namespace cumulens
