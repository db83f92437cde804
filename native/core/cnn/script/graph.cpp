#include "core/cnn/script/graph.h"

#include "core/cnn/script/constants.h"
#include "core/cnn/script/graph_check.h"
#include "core/cnn/script/limits.h"
#include "core/cnn/script/names.h"
#include "core/cnn/script/taps.h"
#include "core/cnn/script/walk.h"
#include "core/runtime/error.h"

#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/passes/constant_propagation.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>
#include <torch/csrc/jit/passes/inliner.h>
#include <torch/csrc/jit/passes/peephole.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

namespace cumulens {
namespace {

namespace jit = torch::jit;

constexpr uint64_t kMaxNodes = 200'000;

const jit::GraphFunction* calledFunction(const jit::Node* node) {
  if (node->kind() == c10::prim::CallFunction) {
    const auto type = node->input(0)->type()->cast<c10::FunctionType>();
    return type ? jit::tryToGraphFunction(*type->function()) : nullptr;
  }
  if (node->kind() != c10::prim::CallMethod) return nullptr;
  const auto type = node->input(0)->type()->cast<c10::ClassType>();
  torch::jit::Function* method = type ? type->findMethod(node->s(c10::attr::name)) : nullptr;
  return method ? jit::tryToGraphFunction(*method) : nullptr;
}

/// Nodes once every call is inlined: a few lines of calls can stand for more than a machine holds.
class InlinedSize {
 public:
  uint64_t of(jit::Block* block) {
    uint64_t count = 0;
    forEachNode(block, [&](jit::Node* node) {
      ++count;
      if (const auto* called = calledFunction(node)) count += of(called);
      check(count <= kMaxNodes, ErrorCode::format, "its graph has more than ", kMaxNodes, " operations");
    });
    return count;
  }

 private:
  uint64_t of(const jit::GraphFunction* function) {
    if (const auto known = sizes_.find(function); known != sizes_.end()) return known->second;
    sizes_[function] = 0;  // a recursion, which the compiler has refused, would end here
    return sizes_[function] = of(const_cast<jit::GraphFunction*>(function)->graph()->block());
  }
  std::map<const jit::GraphFunction*, uint64_t> sizes_;
};

/// Arguments of `forward` beyond the images keep their defaults.
void bindDefaults(jit::Graph& graph, const c10::FunctionSchema& schema) {
  const jit::WithInsertPoint guard(*graph.nodes().begin());
  for (size_t i = graph.inputs().size(); i-- > 2;) {
    graph.inputs()[i]->replaceAllUsesWith(graph.insertConstant(*schema.arguments()[i].default_value()));
    graph.eraseInput(i);
  }
}

/// Chooses the branches that constants choose. Only numbers, truths and texts are computed, by operations without effects.
void fold(std::shared_ptr<jit::Graph>& graph) {
  jit::ConstantPropagationImmutableTypes(graph);
  jit::PeepholeOptimize(graph);
  jit::ConstantPropagationImmutableTypes(graph);
}

/// Puts `value(node)`, where it gives one, in the place of an attribute that is read.
void replaceAttributes(const std::shared_ptr<jit::Graph>& graph, const std::function<std::optional<c10::IValue>(const jit::Node*)>& value) {
  forEachNode(graph->block(), [&](jit::Node* node) {
    if (node->kind() != c10::prim::GetAttr) return;
    const std::optional<c10::IValue> constant = value(node);
    if (!constant) return;
    const jit::WithInsertPoint guard(node);
    jit::Value* placed = graph->insertConstant(*constant);
    if (!placed->type()->isSubtypeOf(*node->output()->type())) return;
    node->output()->replaceAllUsesWith(placed);
    node->destroy();
  });
}

/// Evaluation mode, and attributes that are numbers, texts or nothing: constants, so that the branches they choose are chosen once.
void foldAttributes(std::shared_ptr<jit::Graph>& graph, const jit::Module& module) {
  replaceAttributes(graph, [](const jit::Node* node) -> std::optional<c10::IValue> {
    if (node->s(c10::attr::name) != "training" || node->output()->type() != c10::BoolType::get()) return std::nullopt;
    return c10::IValue(false);
  });
  fold(graph);
  std::set<std::string> changing;  // refused later, unless they lie in a branch that is never taken
  forEachNode(graph->block(), [&](jit::Node* node) {
    if (node->kind() == c10::prim::SetAttr) changing.insert(node->s(c10::attr::name));
  });
  replaceAttributes(graph, [&](const jit::Node* node) -> std::optional<c10::IValue> {
    if (changing.contains(node->s(c10::attr::name))) return std::nullopt;
    const auto found = attributeValue(node, module);
    if (!found || !(found->isBool() || found->isInt() || found->isDouble() || found->isString() || found->isNone())) return std::nullopt;
    return found;
  });
  fold(graph);
}

/// Tensors and devices, on their own or in what holds them.
bool holdsPlaced(const c10::Type& type) {
  if (type.isSubtypeOf(*c10::TensorType::get()) || type.kind() == c10::TypeKind::DeviceObjType) return true;
  const auto contained = type.containedTypes();
  return std::any_of(contained.begin(), contained.end(), [](const auto& one) { return holdsPlaced(*one); });
}

void placeConstant(ScriptGraph& script, jit::Node* node, const Placement& placement) {
  const auto value = jit::toIValue(node->output());
  if (!value || !holdsPlaced(*node->output()->type())) return;
  jit::Graph& graph = *script.graph;
  const jit::WithInsertPoint guard(node);
  const auto place = [&](const at::Tensor& tensor, const auto&) { return script.constants.emplace_back(placement.place(tensor)); };
  jit::Value* placed = graph.insertConstant(value->isDevice() ? c10::IValue(placement.device) : mapTensors(*value, place));
  placed->setDebugName(node->output()->debugName() + ".placed");
  node->output()->replaceAllUsesWith(placed);
  node->destroy();
}

/// What is cast to a type of floats is cast to the placement's.
void placeDtype(jit::Graph& graph, jit::Node* node, const Placement& placement) {
  const c10::FunctionSchema* schema = node->maybeSchema();
  const auto index = schema != nullptr ? schema->argumentIndexWithName("dtype") : std::nullopt;
  const auto dtype = index ? constantInt(node->input(static_cast<size_t>(*index))) : std::nullopt;
  if (!dtype || !c10::isFloatingType(static_cast<c10::ScalarType>(*dtype))) return;
  const jit::WithInsertPoint guard(node);
  node->replaceInput(static_cast<size_t>(*index), graph.insertConstant(static_cast<int64_t>(placement.dtype)));
}

void placeConstants(ScriptGraph& script, const Placement& placement) {
  forEachNode(script.graph->block(), [&](jit::Node* node) {
    if (node->kind() == c10::prim::Constant) {
      placeConstant(script, node, placement);
    } else {
      placeDtype(*script.graph, node, placement);
    }
  });
}

/// METHOD: the score is a logit, before any softmax.
void takeLogits(const std::shared_ptr<jit::Graph>& graph, std::vector<std::string>& notes) {
  jit::Node* last = graph->outputs()[0]->node();
  const std::string kind = last->kind().toQualString();
  if (kind != "aten::softmax" && kind != "aten::log_softmax" && kind != "aten::sigmoid") return;
  if (kind != "aten::sigmoid") {
    const auto dim = constantInt(last->input(1));
    if (!dim || (*dim != 1 && *dim != -1)) return;
  }
  graph->block()->replaceOutput(0, last->input(0));
  notes.push_back(text("the last ", last->kind().toUnqualString(), " is left out: what is explained are the logits before it"));
}

}  // namespace

ScriptGraph prepareScriptGraph(const jit::Module& module, const Placement& placement) {
  const auto method = module.find_method("forward");
  check(method.has_value(), ErrorCode::format, "the module has no forward");
  const c10::FunctionSchema schema = method->function().getSchema();
  checkSignature(schema);
  ScriptGraph result;
  result.graph = method->graph()->copy();
  InlinedSize().of(result.graph->block());
  jit::Inline(*result.graph);
  limitTexts(*result.graph);
  bindDefaults(*result.graph, schema);
  foldAttributes(result.graph, module);
  checkNodes(result.graph);
  takeLogits(result.graph, result.notes);
  placeConstants(result, placement);
  jit::EliminateDeadCode(result.graph);
  checkState(result.graph, module);
  insertTaps(result, module);
  insertLimits(*result.graph);
  return result;
}

}  // namespace cumulens
