#include "core/cnn/script/limits.h"

#include "core/cnn/script/state.h"
#include "core/cnn/script/walk.h"

#include <torch/csrc/jit/runtime/custom_operator.h>

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

namespace cumulens {
namespace {

namespace jit = torch::jit;

/// Operations that loops may run: a graph that does more is taken to loop for ever.
constexpr int64_t kMaxOperations = 4'000'000;
/// Elements that lists may grow by.
constexpr int64_t kMaxGrowth = int64_t{1} << 24;
/// Values of a tensor that takes no memory for them (expand).
constexpr int64_t kMaxValues = int64_t{1} << 33;
constexpr size_t kMaxMade = 4096;
/// Operations in a row between two looks at the cancel token.
constexpr int64_t kStride = 64;

thread_local ScriptLimits* limits = nullptr;

int64_t saturatedProduct(int64_t a, int64_t b) {
  int64_t product = 0;
  return __builtin_mul_overflow(a, std::max<int64_t>(b, 0), &product) ? kMaxGrowth + 1 : product;
}

int64_t lengthOf(const c10::IValue& value) {
  if (value.isList()) return static_cast<int64_t>(value.toListRef().size());
  if (value.isGenericDict()) return static_cast<int64_t>(value.toGenericDict().size());
  if (value.isString()) return static_cast<int64_t>(value.toStringRef().size());
  if (!value.isTensor()) return 0;
  const auto sizes = value.toTensor().sizes();
  return sizes.empty() ? 1 : *std::max_element(sizes.begin(), sizes.end());
}

/// (lengths of lists, dictionaries, texts and tensors, summed; 1 without any) × the product of integers.
void spendOperation(jit::Stack& stack) {
  const auto count = static_cast<size_t>(jit::pop(stack).toInt());
  int64_t lengths = 0, times = 1;
  bool counted = false;
  for (const c10::IValue& value : jit::last(stack, count)) {
    if (value.isInt()) {
      times = saturatedProduct(times, value.toInt());
    } else {
      counted = true;
      lengths += lengthOf(value);
    }
  }
  jit::drop(stack, count);
  if (limits) limits->spend(saturatedProduct(counted ? lengths : 1, times));
}

void extendOperation(jit::Stack& stack) {
  const c10::IValue value = jit::pop(stack);
  if (!limits) return;
  if (value.isTensor()) limits->extend(value.toTensor().numel());
  if (value.isTensorList()) {
    for (const at::Tensor& tensor : value.toTensorVector()) limits->extend(tensor.numel());
  }
}

void stepOperation(jit::Stack& stack) {
  const int64_t nodes = jit::pop(stack).toInt();
  if (limits) limits->step(nodes);
}

std::string asText(const c10::IValue& value) {
  if (value.isString()) return value.toStringRef();
  const bool small = value.isInt() || value.isDouble() || value.isBool() || value.isNone() || value.isDevice() ||
                     (value.isIntList() && value.toListRef().size() < 16);
  return small ? text(value) : text("(", value.tagKind(), ")");
}

/// `aten::format`: each {} is the next value.
void textOperation(jit::Stack& stack) {
  const auto count = static_cast<size_t>(jit::pop(stack).toInt());
  const auto values = jit::last(stack, count);
  const std::string& pattern = values[0].toStringRef();
  std::string made;
  size_t next = 1;
  for (size_t i = 0; i < pattern.size() && made.size() < kMaxMade; ++i) {
    if (pattern.compare(i, 2, "{}") != 0 || next == count) {
      made += pattern[i];
      continue;
    }
    made += asText(values[next++]);
    ++i;
  }
  made.resize(std::min(made.size(), kMaxMade));
  jit::drop(stack, count);
  jit::push(stack, std::move(made));
}

/// A constant list or dictionary, as new: what fills it fills it for this run.
void freshOperation(jit::Stack& stack) {
  c10::IValue value = jit::pop(stack);
  jit::push(stack, mapTensors(value, [](const at::Tensor& tensor, const auto&) { return tensor; }));
}

const jit::RegisterOperators limiting({
    jit::Operator("cumulens::step(int nodes) -> ()", stepOperation, c10::AliasAnalysisKind::CONSERVATIVE),
    jit::Operator("cumulens::spend(...) -> ()", spendOperation, c10::AliasAnalysisKind::CONSERVATIVE),
    jit::Operator("cumulens::extend(Any value) -> ()", extendOperation, c10::AliasAnalysisKind::CONSERVATIVE),
    jit::Operator("cumulens::fresh(Any constant) -> Any", freshOperation, c10::AliasAnalysisKind::FROM_SCHEMA),
    jit::Operator("cumulens::text(...) -> str", textOperation, c10::AliasAnalysisKind::FROM_SCHEMA),
});

/// What an operation makes its list of.
enum class Growth {
  one,      ///< an element more
  lengths,  ///< its lists, dictionaries and texts
  product,  ///< its list, so many times; or so many numbers
  slices,   ///< as many tensors as its tensor is long, at most
};

const std::map<std::string_view, Growth> kGrowing{{"aten::append", Growth::one},         {"aten::insert", Growth::one},
                                                  {"aten::_set_item", Growth::one},      {"aten::setdefault", Growth::one},
                                                  {"aten::extend", Growth::lengths},     {"aten::add", Growth::lengths},
                                                  {"aten::add_", Growth::lengths},       {"aten::list", Growth::lengths},
                                                  {"aten::copy", Growth::lengths},       {"aten::slice", Growth::lengths},
                                                  {"aten::sorted", Growth::lengths},     {"aten::keys", Growth::lengths},
                                                  {"aten::values", Growth::lengths},     {"aten::items", Growth::lengths},
                                                  {"aten::update", Growth::lengths},     {"aten::dict", Growth::lengths},
                                                  {"aten::mul", Growth::product},        {"prim::rangelist", Growth::product},
                                                  {"aten::split", Growth::slices},       {"aten::split_with_sizes", Growth::slices},
                                                  {"aten::chunk", Growth::slices},       {"aten::unbind", Growth::slices},
                                                  {"aten::tensor_split", Growth::slices}};

/// What gives tensors without memory of their own for each value.
constexpr std::array kExtending{"aten::expand",   "aten::expand_as", "aten::broadcast_to", "aten::broadcast_tensors",
                                "aten::meshgrid", "aten::unfold"};

bool isContainer(const jit::Value* value) {
  const auto kind = value->type()->kind();
  return kind == c10::TypeKind::ListType || kind == c10::TypeKind::DictType || kind == c10::TypeKind::StringType;
}
bool isTensor(const jit::Value* value) { return value->type()->isSubtypeOf(*c10::TensorType::get()); }
bool isInt(const jit::Value* value) { return value->type() == c10::IntType::get(); }

/// Whether it, or a part of it, is a list or dictionary.
bool isFilled(const c10::Type& type) {
  if (type.kind() == c10::TypeKind::ListType || type.kind() == c10::TypeKind::DictType) return true;
  const auto contained = type.containedTypes();
  return std::any_of(contained.begin(), contained.end(), [](const auto& one) { return isFilled(*one); });
}

jit::Node* insert(jit::Graph& graph, const char* operation, const std::vector<jit::Value*>& inputs) {
  return graph.insertNode(graph.create(c10::Symbol::fromQualString(operation), inputs, 0));
}

void insertSpend(jit::Graph& graph, jit::Node* node, Growth growth) {
  const bool onTensor = !node->inputs().empty() && isTensor(node->input(0));
  const bool givesContainer = node->outputs().empty() || isContainer(node->output());
  if (growth != Growth::one && growth != Growth::slices && (onTensor || !givesContainer)) return;
  std::vector<jit::Value*> counted;
  for (jit::Value* input : node->inputs()) {
    const bool counts = growth == Growth::slices    ? isTensor(input) && counted.empty()
                        : growth == Growth::lengths ? isContainer(input)
                        : growth == Growth::product ? isContainer(input) || isInt(input)
                                                    : false;
    if (counts) counted.push_back(input);
  }
  const jit::WithInsertPoint guard(node);
  insert(graph, "cumulens::spend", counted);
}

void renew(jit::Graph& graph, jit::Node* constant) {
  const jit::WithInsertPoint guard(constant->next());
  jit::Node* fresh = graph.insertNode(graph.create(c10::Symbol::fromQualString("cumulens::fresh"), {constant->output()}));
  fresh->output()->setType(constant->output()->type());
  constant->output()->replaceAllUsesAfterNodeWith(fresh, fresh->output());
}

/// Looks at the token as a block begins and every few operations after; in a loop, they are counted.
void insertSteps(jit::Graph& graph, jit::Block* block, bool looped) {
  int64_t since = 0;
  jit::Node* begin = *block->nodes().begin();
  const auto step = [&](jit::Node* before, int64_t nodes) {
    const jit::WithInsertPoint guard(before);
    insert(graph, "cumulens::step", {graph.insertConstant(looped ? nodes : 0)});
  };
  for (jit::Node* node : block->nodes()) {
    for (jit::Block* inner : node->blocks()) insertSteps(graph, inner, looped || node->kind() == c10::prim::Loop);
    const bool constructs = looped && (node->kind() == c10::prim::ListConstruct || node->kind() == c10::prim::TupleConstruct ||
                                       node->kind() == c10::prim::DictConstruct);
    since += constructs ? 1 + static_cast<int64_t>(node->inputs().size()) : 1;
    if (since < kStride) continue;
    step(node->next(), since);
    since = 0;
  }
  step(begin, since + 1);
}

}  // namespace

ScriptLimits::ScriptLimits(const CancelToken& cancel) : cancel_(cancel), outer_(std::exchange(limits, this)) {}

ScriptLimits::~ScriptLimits() { limits = outer_; }

template <class Work>
void ScriptLimits::guarded(Work work) {
  try {
    work();
  } catch (...) {
    failure_ = std::current_exception();
    throw;
  }
}

void ScriptLimits::step(int64_t nodes) {
  guarded([&] {
    cancel_.check();
    nodes_ += nodes;
    check(nodes_ <= kMaxOperations, ErrorCode::format, "the model does not come to an end: its loops have run ", kMaxOperations,
          " operations");
  });
}

void ScriptLimits::spend(int64_t elements) {
  guarded([&] {
    check(elements <= kMaxGrowth - elements_, ErrorCode::format, "the model makes lists of more than ", kMaxGrowth, " elements");
    elements_ += elements;
  });
}

void ScriptLimits::extend(int64_t values) {
  guarded([&] {
    check(values <= kMaxValues, ErrorCode::format, "the model makes a tensor of ", values, " values, expected at most ", kMaxValues);
  });
}

void ScriptLimits::rethrow() const {
  if (failure_) std::rethrow_exception(failure_);
}

void limitTexts(jit::Graph& graph) {
  forEachNode(graph.block(), [&](jit::Node* node) {
    const bool format = node->kind() == c10::aten::format, str = node->kind() == c10::aten::str;
    const bool added = node->kind() == c10::aten::add && node->output()->type() == c10::StringType::get();
    if (!format && !str && !added) return;
    const jit::WithInsertPoint guard(node);
    std::vector<jit::Value*> inputs = node->inputs().vec();
    if (!format) inputs.insert(inputs.begin(), graph.insertConstant(added ? "{}{}" : "{}"));
    jit::Node* made = graph.insertNode(graph.create(c10::Symbol::fromQualString("cumulens::text"), inputs));
    made->output()->setType(c10::StringType::get());
    made->copyMetadata(node);
    node->output()->replaceAllUsesWith(made->output());
    node->destroy();
  });
}

void insertLimits(jit::Graph& graph) {
  forEachNode(graph.block(), [&](jit::Node* node) {
    if (node->kind() == c10::prim::Constant && isFilled(*node->output()->type())) return renew(graph, node);
    const std::string_view kind = node->kind().toQualString();
    if (const auto growing = kGrowing.find(kind); growing != kGrowing.end()) insertSpend(graph, node, growing->second);
    if (std::find(kExtending.begin(), kExtending.end(), kind) == kExtending.end()) return;
    const jit::WithInsertPoint guard(node->next());
    insert(graph, "cumulens::extend", {node->output()});
  });
  insertSteps(graph, graph.block(), false);
}

}  // namespace cumulens
