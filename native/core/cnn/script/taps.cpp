#include "core/cnn/script/taps.h"

#include "core/cnn/script/constants.h"
#include "core/cnn/script/names.h"
#include "core/runtime/error.h"

#include <torch/csrc/jit/ir/constants.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

namespace cumulens {
namespace {

namespace jit = torch::jit;

const std::set<std::string_view> kActivations{"relu",      "relu6",    "leaky_relu", "prelu",     "silu",      "mish",     "gelu",
                                              "elu",       "celu",     "selu",       "sigmoid",   "tanh",      "hardtanh", "hardsigmoid",
                                              "hardswish", "softplus", "clamp",      "clamp_min", "clamp_max", "clip"};

/// Those that rectify: guided backpropagation has a rule for them (`Backward::guided`).
const std::set<std::string_view> kRectifiers{"relu", "relu6", "leaky_relu", "rrelu", "prelu",     "silu",    "mish",
                                             "gelu", "elu",   "celu",       "selu",  "hardswish", "softplus"};
/// These do if what they clip at is 0.
const std::set<std::string_view> kClips{"hardtanh", "clamp", "clamp_min", "clip"};

/// `aten::relu_` is `relu`; empty for what is no operation of ATen.
std::string opName(const jit::Node* node) {
  std::string name = node->kind().toQualString();
  if (!name.starts_with("aten::")) return {};
  name = name.substr(6);
  if (name.ends_with('_')) name.pop_back();
  return name;
}

bool isTransposed(const jit::Node* node) {
  const c10::FunctionSchema* schema = node->maybeSchema();
  return schema != nullptr && schema->argumentIndexWithName("transposed") && constantBool(node->namedInput("transposed")).value_or(false);
}

/// Whether the rank is known to be another than a picture's.
bool isOtherRank(const jit::Node* node) {
  const auto strides = constantInts(node->namedInput("stride"));
  return strides && strides->size() != 2 && strides->size() != 1;
}

enum class Convolution { none, picture, other };

Convolution convolutionOf(const jit::Node* node) {
  const std::string name = opName(node);
  if (name == "conv2d") return Convolution::picture;
  if (name == "convolution" || name == "_convolution")
    return isTransposed(node) || isOtherRank(node) ? Convolution::other : Convolution::picture;
  return name == "conv1d" || name == "conv3d" || name.starts_with("conv_transpose") ? Convolution::other : Convolution::none;
}

struct Found {
  std::vector<jit::Node*> convolutions;
  size_t others = 0;
};

void find(jit::Block* block, Found& found) {
  for (jit::Node* node : block->nodes()) {
    const Convolution kind = convolutionOf(node);
    if (kind == Convolution::picture) found.convolutions.push_back(node);
    if (kind == Convolution::other) ++found.others;
    for (jit::Block* inner : node->blocks()) find(inner, found);
  }
}

/// The activation that is the only reader of a convolution.
jit::Node* ownedActivation(const jit::Node* convolution) {
  const auto& uses = convolution->output()->uses();
  if (uses.size() != 1 || uses[0].offset != 0) return nullptr;
  jit::Node* reader = uses[0].user;
  return kActivations.contains(opName(reader)) && reader->owningBlock() == convolution->owningBlock() ? reader : nullptr;
}

/// An activation is called by its module, where it has one of its own.
std::string activationName(const jit::Node* activation, const std::string& convolution) {
  const std::string path = modulePath(activation);
  const bool around = path.empty() || path == convolution || convolution.starts_with(path + ".");
  return around ? convolution + "." + opName(activation) : path;
}

bool rectifies(const jit::Node* node) {
  const std::string name = opName(node);
  if (kRectifiers.contains(name)) return true;
  if (!kClips.contains(name) || node->inputs().size() < 2) return false;
  const auto least = jit::toIValue(node->input(1));
  return least && ((least->isDouble() && least->toDouble() == 0) || (least->isInt() && least->toInt() == 0));
}

/// Puts a `cumulens::activated` behind every activation that rectifies.
void insertActivated(jit::Graph& graph, jit::Block* block) {
  std::vector<jit::Node*> rectifiers;
  for (jit::Node* node : block->nodes()) {
    if (rectifies(node)) rectifiers.push_back(node);
    for (jit::Block* inner : node->blocks()) insertActivated(graph, inner);
  }
  for (jit::Node* node : rectifiers) {
    const jit::WithInsertPoint guard(node->next());
    jit::Node* activated = graph.insertNode(graph.create(c10::Symbol::fromQualString("cumulens::activated"), {node->output()}));
    activated->output()->setType(node->output()->type());
    node->output()->replaceAllUsesAfterNodeWith(activated, activated->output());
  }
}

void insertTap(jit::Graph& graph, jit::Node* node, size_t point) {
  const jit::WithInsertPoint guard(node->next());
  jit::Value* index = graph.insertConstant(static_cast<int64_t>(point));
  jit::Node* tap = graph.insertNode(graph.create(c10::Symbol::fromQualString("cumulens::tap"), {node->output(), index}));
  tap->output()->setType(node->output()->type());
  node->output()->replaceAllUsesAfterNodeWith(tap, tap->output());
}

/// [O, I / groups, H, W], where it is a tensor of the model.
std::optional<at::Tensor> weightOf(const jit::Node* convolution, const jit::Module& module) {
  const jit::Node* parameter = parameterOf(convolution->input(1));
  const auto weight = parameter ? attributeValue(parameter, module) : jit::toIValue(convolution->input(1));
  return weight && weight->isTensor() && weight->toTensor().dim() == 4 ? std::optional(weight->toTensor()) : std::nullopt;
}

std::optional<int64_t> inputChannels(const jit::Node* convolution, const jit::Module& module) {
  const auto weight = weightOf(convolution, module);
  const auto groups = constantInt(convolution->namedInput("groups"));
  return weight && groups ? std::optional(weight->size(1) * *groups) : std::nullopt;
}

/// The fewest convolutions of a VGG (VGG11); as src/cnn/import/tap_at.ts has it for other formats.
constexpr size_t kVggConvolutions = 8;

bool isChain(jit::Block* block) {
  static const std::set<std::string_view> kOther{"batch_norm", "group_norm", "instance_norm", "layer_norm", "cat",
                                                 "stack",      "add",        "sub",           "mul"};
  for (jit::Node* node : block->nodes()) {
    const bool tensor = node->outputs().size() == 1 && node->output()->type()->isSubtypeOf(*c10::TensorType::get());
    if (tensor && kOther.contains(opName(node))) return false;
    for (jit::Block* inner : node->blocks()) {
      if (!isChain(inner)) return false;
    }
  }
  return true;
}

bool isVggConvolution(const jit::Node* convolution, const jit::Module& module) {
  const auto weight = weightOf(convolution, module);
  const auto stride = constantInts(convolution->namedInput("stride"));
  const jit::Node* activation = ownedActivation(convolution);
  return weight && weight->size(2) == 3 && weight->size(3) == 3 && stride &&
         std::all_of(stride->begin(), stride->end(), [](int64_t s) { return s == 1; }) && activation != nullptr &&
         opName(activation) == "relu";
}

}  // namespace

void insertTaps(ScriptGraph& script, const jit::Module& module) {
  Found found;
  find(script.graph->block(), found);
  if (!found.convolutions.empty()) script.channels = inputChannels(found.convolutions.front(), module);
  script.vggLike = found.convolutions.size() >= kVggConvolutions && isChain(script.graph->block()) &&
                   std::all_of(found.convolutions.begin(), found.convolutions.end(),
                               [&](const jit::Node* convolution) { return isVggConvolution(convolution, module); });
  if (found.others > 0) {
    script.notes.push_back(text(found.others, " convolution", found.others == 1 ? " is" : "s are",
                                " transposed or not over pictures (1-d, 3-d) and ", found.others == 1 ? "is no tap" : "are no taps"));
  }
  // Readers are looked at before taps come between.
  std::vector<std::pair<jit::Node*, ScriptPoint>> points;
  for (size_t i = 0; i < found.convolutions.size(); ++i) {
    jit::Node* convolution = found.convolutions[i];
    std::string name = convolutionName(convolution);
    if (name.empty()) name = text("conv_", i + 1);
    const size_t owner = points.size();
    points.emplace_back(convolution, ScriptPoint{name, "conv2d", std::nullopt});
    if (jit::Node* activation = ownedActivation(convolution)) {
      points.emplace_back(activation, ScriptPoint{activationName(activation, name), opName(activation), owner});
    }
  }
  for (auto& [node, point] : points) {
    insertTap(*script.graph, node, script.points.size());
    script.points.push_back(std::move(point));
  }
  insertActivated(*script.graph, script.graph->block());
}

}  // namespace cumulens
