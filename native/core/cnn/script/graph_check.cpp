#include "core/cnn/script/graph_check.h"

#include "core/cnn/script/allowed_ops.h"
#include "core/cnn/script/conform.h"
#include "core/cnn/script/constants.h"
#include "core/cnn/script/names.h"
#include "core/cnn/script/walk.h"
#include "core/runtime/error.h"

#include <torch/csrc/jit/ir/alias_analysis.h>
#include <torch/csrc/jit/ir/constants.h>

namespace cumulens {
namespace {

namespace jit = torch::jit;

std::string where(const jit::Node* node) {
  const std::string path = modulePath(node);
  return path.empty() ? "" : text(" (in '", path, "')");
}

bool isConstantTrue(const jit::Node* node, const char* argument) {
  const c10::FunctionSchema* schema = node->maybeSchema();
  if (schema == nullptr || !schema->argumentIndexWithName(argument)) return false;
  return constantBool(node->namedInput(argument)).value_or(false);
}

/// Values whose type the interpreter trusts are made by the graph itself; a value that may be anything cannot become one.
void checkTypes(const jit::Node* node, const std::string& kind) {
  for (const jit::Value* output : node->outputs()) {
    const bool object = output->type()->cast<c10::ClassType>() != nullptr;
    check(!object || kind == "prim::GetAttr", ErrorCode::format, kind, where(node), " makes an object, ", output->type()->annotation_str(),
          ", which a classifier needs not");
  }
  if (kind != "prim::unchecked_cast") return;
  auto type = node->output()->type();
  if (const auto optional = type->cast<c10::OptionalType>()) type = optional->getElementType();
  const bool plain = type->isSubtypeOf(*c10::TensorType::get()) || type->isSubtypeOf(*c10::NumberType::get()) ||
                     type == c10::BoolType::get() || type == c10::StringType::get() || type == c10::NoneType::get() ||
                     type->isSubtypeOf(*c10::ListType::ofInts()) || type->isSubtypeOf(*c10::ListType::ofTensors());
  check(plain, ErrorCode::format, "a value is taken for a ", type->annotation_str(), where(node), ", which cannot be checked");
}

void checkNode(const jit::Node* node) {
  const std::string kind = node->kind().toQualString();
  check(kind != "prim::SetAttr", ErrorCode::format, "the model changes its own state while it runs", where(node),
        ": its maps would not be the same at every call");
  check(isAllowedOp(kind), ErrorCode::format, "the operation ", kind, where(node),
        " is not one that a classifier needs to compute its logits, and is not run. A quantised, prepacked or fused model: export the "
        "plain one");
  // A norm of weights (weight standardisation) has no statistics of images.
  const bool training = kind == "aten::batch_norm" ? isConstantTrue(node, "training") && !comesFromParameters(node->input(0))
                        : kind == "aten::rrelu"    ? isConstantTrue(node, "training")
                                                   : kind.find("dropout") != std::string::npos && isConstantTrue(node, "train");
  check(!training, ErrorCode::format, kind, where(node),
        " works as in training (random, or with the batch's statistics): call model.eval() before the export");
  checkTypes(node, kind);
}

/// @returns whether the node is gone
bool simplify(jit::Graph& graph, jit::Node* node) {
  const std::string kind = node->kind().toQualString();
  if (kind == "prim::Print" || kind == "aten::warn") {
    node->destroy();
    return true;
  }
  // Everything is on one device from the beginning.
  if (kind == "aten::cuda" || kind == "aten::cpu") {
    node->output()->replaceAllUsesWith(node->input(0));
    node->destroy();
    return true;
  }
  // `x.data` shares memory without a common version: what changes it would not show.
  if (kind == "prim::data") {
    const jit::WithInsertPoint guard(node);
    jit::Value* detached = graph.insert(c10::aten::detach, {node->input(0)});
    node->output()->replaceAllUsesWith(detached);
    node->destroy();
    return true;
  }
  return false;
}

}  // namespace

void checkSignature(const c10::FunctionSchema& schema) {
  std::vector<std::string> required;
  for (size_t i = 1; i < schema.arguments().size(); ++i) {
    const auto& argument = schema.arguments()[i];
    if (i > 1 && argument.default_value()) continue;
    required.push_back(text(argument.name(), ": ", argument.type()->annotation_str()));
  }
  const bool fits = required.size() == 1 && schema.arguments()[1].type()->isSubtypeOf(*c10::TensorType::get());
  std::string list;
  for (const std::string& one : required) list += (list.empty() ? "" : ", ") + one;
  check(fits, ErrorCode::format, "forward must take one image batch, a Tensor [N, C, H, W], but it takes (", list, ")");
}

void checkNodes(const std::shared_ptr<jit::Graph>& graph) {
  forEachNode(graph->block(), [&](jit::Node* node) {
    if (!simplify(*graph, node)) checkNode(node);
  });
}

void checkState(const std::shared_ptr<jit::Graph>& graph, const jit::Module& module) {
  const jit::AliasDb aliases(graph, /*isFrozen=*/true);
  forEachNode(graph->block(), [&](jit::Node* node) {
    const bool attribute = node->kind() == c10::prim::GetAttr;
    if (!attribute && node->kind() != c10::prim::Constant) return;
    const std::string name = attribute ? text("'", parameterPath(node->output()), "'") : "constant";
    const auto value = attribute ? attributeValue(node, module) : jit::toIValue(node->output());
    check(value && conforms(*value, *node->output()->type()), ErrorCode::format, "its ", name, where(node), " is not the ",
          node->output()->type()->annotation_str(), " that its code takes it for");
    check(!aliases.hasWriters(node->output()), ErrorCode::format, "the model changes its own ", name, " while it runs", where(node),
          ": its maps would not be the same at every call");
  });
}

}  // namespace cumulens
