#include "core/cnn/graph_cnn.h"

#include <c10/core/GradMode.h>

#include <algorithm>

namespace cumulens {

/// Runs only what depends on the tap again. What else that reads is kept from the first pass, a row an image.
class GraphCnn::Branch final : public TapBranch {
 public:
  Branch(const GraphCnn& cnn, size_t node, const at::Tensor& input, const CancelToken& cancel) : cnn_(cnn), node_(node) {
    const size_t values = cnn.nodes_.size() + 1;
    behind_.resize(values);
    kept_.wanted.resize(values);
    kept_.wanted[node + 1] = true;
    for (size_t i = node + 1; i < cnn.nodes_.size(); ++i) {
      const std::vector<size_t>& inputs = cnn.nodes_[i].inputs;
      behind_[i + 1] = std::any_of(inputs.begin(), inputs.end(), [&](size_t value) { return value == node + 1 || behind_[value]; });
      if (!behind_[i + 1]) continue;
      for (const size_t value : inputs) kept_.wanted[value] = kept_.wanted[value] || !behind_[value];
    }
    logits_ = cnn.execute(input, {}, cancel, nullptr, &kept_);
    activation_ = kept_.values[node + 1];
    for (size_t value = 0; value < values; ++value) {
      if (!kept_.wanted[value] || value == node + 1) kept_.values[value].reset();
    }
  }

  at::Tensor finish(const at::Tensor& values, const at::Tensor& samples, const CancelToken& cancel) const override {
    const c10::NoGradGuard noGrad;
    if (!behind_[cnn_.output_]) return logits_.index_select(0, samples);  // the tap does not reach them
    std::vector<at::Tensor> run(behind_.size());
    run[node_ + 1] = values.contiguous(at::MemoryFormat::ChannelsLast);
    for (size_t i = node_ + 1; i < cnn_.nodes_.size(); ++i) {
      if (!behind_[i + 1]) continue;
      cancel.check();
      for (const size_t value : cnn_.nodes_[i].inputs) {
        if (!run[value].defined()) run[value] = kept_.values[value].index_select(0, samples);
      }
      run[i + 1] = cnn_.executeNode(i, run, {});
      for (const size_t value : cnn_.nodes_[i].lastUses) run[value].reset();
    }
    return run[cnn_.output_];
  }

 private:
  const GraphCnn& cnn_;
  size_t node_;
  std::vector<bool> behind_;  // of each value: whether it depends on the tap's
  Kept kept_;
};

std::unique_ptr<TapBranch> GraphCnn::branchAt(const at::Tensor& input, size_t tap, const CancelToken& cancel) const {
  const c10::NoGradGuard noGrad;
  const auto node = std::find_if(nodes_.begin(), nodes_.end(), [&](const Node& one) { return one.tap == tap; });
  return std::make_unique<Branch>(*this, static_cast<size_t>(node - nodes_.begin()), input, cancel);
}

}  // namespace cumulens
