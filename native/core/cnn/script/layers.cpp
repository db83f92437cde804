#include "core/cnn/script/layers.h"

#include "core/cnn/init.h"
#include "core/cnn/script/names.h"
#include "core/runtime/error.h"

#include <torch/csrc/jit/ir/constants.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace cumulens {
namespace {

namespace jit = torch::jit;

std::string lastPart(const std::string& name) {
  const size_t dot = name.rfind('.');
  return dot == std::string::npos ? name : name.substr(dot + 1);
}

std::string layerOf(const std::string& name) {
  const size_t dot = name.rfind('.');
  return dot == std::string::npos ? name : name.substr(0, dot);
}

bool isStatistic(const std::string& name) { return lastPart(name) == "running_mean" || lastPart(name) == "running_var"; }

/// Names of the tensors that are drawn, by where they lie.
std::unordered_map<const void*, std::string> drawnTensors(const jit::Module& module, const std::map<std::string, at::Tensor>& state) {
  std::unordered_set<const void*> parameters;
  for (const auto& parameter : module.parameters()) parameters.insert(parameter.unsafeGetTensorImpl());
  std::unordered_map<const void*, std::string> drawn;
  for (const auto& [name, tensor] : state) {
    const void* place = tensor.unsafeGetTensorImpl();
    if (tensor.is_floating_point() && (parameters.contains(place) || isStatistic(name))) drawn.emplace(place, name);
  }
  return drawn;
}

bool isWeighted(const jit::Node* node) {
  static const std::set<std::string_view> kWeighted{
      "aten::conv2d", "aten::convolution", "aten::_convolution", "aten::linear", "aten::addmm", "aten::matmul", "aten::mm"};
  return kWeighted.contains(node->kind().toQualString());
}

void checkConstant(const jit::Node* node) {
  if (!isWeighted(node)) return;
  for (const jit::Value* input : node->inputs()) {
    const auto value = jit::toIValue(input);
    const bool weight = value && value->isTensor() && value->toTensor().is_floating_point() && value->toTensor().dim() > 1;
    const std::string path = modulePath(node);
    check(!weight, ErrorCode::format, "the weight of a ", node->kind().toUnqualString(), path.empty() ? "" : " (in '" + path + "')",
          " is a constant of the graph, as in a frozen model, and cannot be drawn anew: export the model without torch.jit.freeze");
  }
}

class LayerFinder {
 public:
  LayerFinder(const jit::Module& module, const std::map<std::string, at::Tensor>& state)
      : module_(module), state_(state), drawn_(drawnTensors(module, state)) {}

  void visit(const jit::Block* block) {
    for (const jit::Node* node : block->nodes()) {
      checkConstant(node);
      for (const jit::Value* input : node->inputs()) read(input->node(), node);
      for (const jit::Block* inner : node->blocks()) visit(inner);
    }
  }

  std::vector<ScriptLayer> take() { return std::move(layers_); }

 private:
  void read(const jit::Node* source, const jit::Node* reader) {
    if (source->kind() != c10::prim::GetAttr) return;
    const auto value = attributeValue(source, module_);
    if (!value || !value->isTensor()) return;
    const auto found = drawn_.find(value->toTensor().unsafeGetTensorImpl());
    if (found == drawn_.end() || !seen_.insert(found->second).second) return;
    const std::string& name = found->second;
    const auto [at, added] = indices_.try_emplace(layerOf(name), layers_.size());
    if (added) layers_.push_back({at->first, {}});
    const at::IntArrayRef sizes = state_.at(name).sizes();
    const bool spread = std::count_if(sizes.begin(), sizes.end(), [](int64_t size) { return size > 1; }) > 1;
    layers_[at->second].parts.push_back({name, spread || (sizes.size() > 1 && isWeighted(reader))});
  }

  const jit::Module& module_;
  const std::map<std::string, at::Tensor>& state_;
  std::unordered_map<const void*, std::string> drawn_;
  std::set<std::string> seen_;
  std::map<std::string, size_t> indices_;
  std::vector<ScriptLayer> layers_;
};

}  // namespace

std::vector<ScriptLayer> findLayers(const ScriptGraph& script, const jit::Module& module, const std::map<std::string, at::Tensor>& state) {
  LayerFinder finder(module, state);
  finder.visit(script.graph->block());
  return finder.take();
}

at::Tensor drawAnew(const at::Tensor& tensor, const ScriptLayer::Part& part, const at::Generator& generator) {
  const std::string last = lastPart(part.name);
  const bool shift = last.ends_with("bias") || last == "beta" || last == "running_mean";
  if (!part.kernel) return shift ? at::zeros_like(tensor) : at::ones_like(tensor);
  const at::Tensor drawn = initialise({part.name, tensor.sizes().vec(), Init::heNormal}, generator).to(tensor.options());
  return tensor.dim() == 4 ? drawn.contiguous(at::MemoryFormat::ChannelsLast) : drawn;
}

}  // namespace cumulens
