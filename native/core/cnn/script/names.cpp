#include "core/cnn/script/names.h"

#include <torch/csrc/jit/ir/scope.h>

#include <array>
#include <unordered_set>
#include <vector>

namespace cumulens {
namespace {

namespace jit = torch::jit;

/// How far a convolution's parameter is looked for: what makes one of it (weight norm, say) takes a few operations.
constexpr size_t kMaxSearched = 256;

std::string join(const std::string& path, const std::string& name) { return path.empty() ? name : path + "." + name; }

/// What parameters are called that make a weight: weight norm, spectral norm, parametrisations.
std::string withoutParameter(std::string path) {
  if (const size_t at = path.rfind("parametrizations."); at != std::string::npos) path.resize(at);
  const size_t dot = path.rfind('.');
  const std::string last = dot == std::string::npos ? path : path.substr(dot + 1);
  if (last.empty() || (last.starts_with("weight") && dot != std::string::npos)) path.resize(dot == std::string::npos ? 0 : dot);
  return path;
}

}  // namespace

std::optional<c10::IValue> attributeValue(const jit::Node* getAttr, const jit::Module& module) {
  const jit::Node* owner = getAttr->input(0)->node();
  c10::IValue object = module._ivalue();
  if (owner->kind() == c10::prim::GetAttr) {
    const auto found = attributeValue(owner, module);
    if (!found) return std::nullopt;
    object = *found;
  } else if (getAttr->input(0) != getAttr->owningGraph()->inputs()[0]) {
    return std::nullopt;
  }
  if (!object.isObject()) return std::nullopt;
  // The interpreter takes the slot's number from the class that the graph takes it for.
  if (object.toObjectRef().type() != getAttr->input(0)->type()) return std::nullopt;
  const auto slot = object.toObjectRef().type()->findAttributeSlot(getAttr->s(c10::attr::name));
  return slot ? std::optional(object.toObjectRef().getSlot(*slot)) : std::nullopt;
}

std::string modulePath(const jit::Node* node) {
  std::string path;
  const auto stack = node->callstack();
  if (!stack) return path;
  for (std::optional<jit::InlinedCallStackPtr> frame = *stack; frame; frame = (*frame)->callee()) {
    const auto instance = (*frame)->module_instance();
    if (instance && instance->instance_name() != "SELF" && !instance->instance_name().empty()) path = join(path, instance->instance_name());
  }
  return path;
}

const jit::Node* parameterOf(const jit::Value* value) {
  std::vector<const jit::Value*> open{value};
  std::unordered_set<const jit::Value*> seen;
  while (!open.empty() && seen.size() < kMaxSearched) {
    const jit::Value* current = open.back();
    open.pop_back();
    if (!seen.insert(current).second) continue;
    const jit::Node* node = current->node();
    if (node->kind() == c10::prim::GetAttr) return node;
    for (size_t i = node->inputs().size(); i-- > 0;) open.push_back(node->input(i));
  }
  return nullptr;
}

std::string parameterPath(const jit::Value* value) {
  std::string path;
  for (const jit::Node* node = parameterOf(value); node && node->kind() == c10::prim::GetAttr; node = node->input(0)->node())
    path = path.empty() ? node->s(c10::attr::name) : join(node->s(c10::attr::name), path);
  return path;
}

bool comesFromParameters(const jit::Value* value) {
  std::vector<const jit::Value*> open{value};
  std::unordered_set<const jit::Value*> seen;
  while (!open.empty()) {
    const jit::Value* current = open.back();
    open.pop_back();
    if (!seen.insert(current).second) continue;
    const jit::Node* node = current->node();
    if (node->kind() == c10::prim::Param || !node->blocks().empty() || seen.size() > kMaxSearched) return false;
    if (node->kind() == c10::prim::GetAttr) continue;
    for (const jit::Value* input : node->inputs()) open.push_back(input);
  }
  return true;
}

std::string convolutionName(const jit::Node* convolution) {
  const std::string parameter = parameterPath(convolution->input(1));
  return parameter.empty() ? modulePath(convolution) : withoutParameter(parameter);
}

}  // namespace cumulens
