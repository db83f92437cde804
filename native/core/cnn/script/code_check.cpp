#include "core/cnn/script/code_check.h"

#include "core/cnn/script/code_depth.h"
#include "core/cnn/script/code_names.h"
#include "core/cnn/script/definitions.h"
#include "core/runtime/error.h"

#include <torch/csrc/jit/frontend/lexer.h>
#include <torch/csrc/jit/frontend/parser.h>
#include <torch/csrc/jit/frontend/tree_views.h>

#include <algorithm>
#include <string_view>
#include <unordered_map>

namespace cumulens {
namespace {

namespace jit = torch::jit;
using jit::TreeRef;

/// Bytes that one folded value, of text or tuples, may have, and all of them.
constexpr uint64_t kMaxFolded = uint64_t{1} << 20;
constexpr uint64_t kMaxFoldedInAll = uint64_t{1} << 28;
/// A tuple counts for more than its elements: types are compared again and again.
constexpr uint64_t kTuple = 256;
/// Fields that all named tuples may stand for when each holds others.
constexpr uint64_t kMaxTupleFields = uint64_t{1} << 20;

std::string identifier(const TreeRef& tree) { return jit::Ident(tree).name(); }

/// `a.b.c` as text; empty where the beginning is no name.
std::string chain(const TreeRef& tree) {
  if (tree->kind() == jit::TK_VAR) return identifier(tree->tree(0));
  if (tree->kind() != '.') return {};
  const std::string start = chain(tree->tree(0));
  return start.empty() ? start : start + "." + identifier(tree->tree(1));
}

bool isLiteral(const TreeRef& tree) {
  const auto all = [](const jit::TreeList& trees) { return std::all_of(trees.begin(), trees.end(), isLiteral); };
  switch (tree->kind()) {
    case jit::TK_CONST:
    case jit::TK_STRINGLITERAL:
    case jit::TK_TRUE:
    case jit::TK_FALSE:
    case jit::TK_NONE:
      return true;
    case jit::TK_LIST:
    case jit::TK_LIST_LITERAL:
    case jit::TK_TUPLE_LITERAL:
    case jit::TK_DICT_LITERAL:
    case jit::TK_UNARY_MINUS:
      return all(tree->trees());
    case jit::TK_VAR:
    case '.': {
      const std::string name = chain(tree);
      return name == "inf" || name == "nan" || name.starts_with("CONSTANTS.");
    }
    case jit::TK_APPLY: {
      const std::string called = chain(tree->tree(0));
      const auto& arguments = tree->tree(1)->trees();
      if (called == "annotate") return arguments.size() == 2 && isLiteral(arguments[1]);
      return called == "torch.device" && all(arguments);
    }
    default:
      return false;
  }
}

/// Walks one file's definitions.
class Walker {
 public:
  Walker(const std::string& path, size_t constantText, Definitions& definitions)
      : path_(path), constantText_(constantText), definitions_(definitions) {}

  /// Learns what a class's constants hold, before any code that uses them is walked.
  void learn(const TreeRef& definition) {
    if (definition->kind() != jit::TK_CLASS_DEF) return;
    for (const jit::Stmt& statement : jit::ClassDef(definition).body()) {
      if (statement.kind() != jit::TK_ASSIGN || isAnnotation(statement)) continue;
      const jit::Assign assigned(statement);
      if (!assigned.rhs().present()) continue;
      require(isLiteral(assigned.rhs().get()), "has a class constant that is no literal: it would run while the model is loaded");
      const uint64_t size = visit(assigned.rhs().get());
      for (const TreeRef& target : assigned.lhs_list().tree()->trees()) {
        uint64_t& known = definitions_.constants[chain(target)];
        known = std::max(known, size);
      }
    }
  }

  void walk(const TreeRef& definition, const std::string& name) {
    own_ = &definitions_.add(name);
    locals_.clear();
    functions_.clear();
    visit(definition);
  }

 private:
  template <class... Parts>
  void require(bool condition, const Parts&... parts) const {
    check(condition, ErrorCode::format, "'", path_, "' in the archive ", parts...);
  }

  uint64_t noted(uint64_t size) {
    folded_ += size;
    require(size <= kMaxFolded && folded_ <= kMaxFoldedInAll, "makes texts or tuples that grow beyond bounds");
    return size;
  }

  uint64_t sum(const TreeRef& tree) {
    uint64_t size = 0;
    for (const TreeRef& part : tree->trees()) size += visit(part);
    return size;
  }

  /// @returns how large a text or tuple the expression may be once it is folded; 0 for what cannot be
  uint64_t visit(const TreeRef& tree) {
    const bool level = tree->kind() != jit::TK_LIST && tree->kind() != jit::TK_OPTION;
    depth_ += level;
    own_->depth = std::max(own_->depth, depth_);
    const uint64_t size = sizeOf(tree);
    depth_ -= level;
    return size;
  }

  uint64_t sizeOf(const TreeRef& tree) {
    switch (tree->kind()) {
      case jit::TK_IDENT:
      case jit::TK_STRING:
      case jit::TK_CONST:
        return 0;
      case jit::TK_STRINGLITERAL:
        return noted(jit::StringLiteral(tree).text().size());
      case jit::TK_VAR:
        return variable(identifier(tree->tree(0)));
      case '.':
        return select(tree);
      case jit::TK_APPLY:
        return apply(tree);
      case jit::TK_TUPLE_LITERAL:
        return noted(kTuple + sum(tree));
      case jit::TK_ASSIGN: {
        visit(tree->tree(2));
        nameFunction(tree);
        const auto& targets = tree->tree(0)->trees();
        const auto& values = tree->tree(1)->trees();
        if (targets.size() == 1 && values.size() == 1) {
          assignFrom(targets[0], values[0]);
        } else {
          assign(tree->tree(0), visit(tree->tree(1)));
        }
        return 0;
      }
      case jit::TK_AUG_ASSIGN:
        assign(tree->tree(0), noted(sum(tree)));
        return 0;
      case jit::TK_FOR:
        require(isRange(tree->tree(1)), "loops over what is no range");
        return sum(tree);
      case jit::TK_LIST_COMP:
      case jit::TK_DICT_COMP:
      case jit::TK_STARRED:
        require(false, "has a ", jit::kindToString(tree->kind()), ", which exported code does not");
        return 0;
      case jit::TK_PARAM: {
        const auto value = jit::Param(tree).defaultValue();
        require(!value.present() || isLiteral(value.get()),
                "has a default argument that is no literal: it would run while the model is loaded");
        return sum(tree);
      }
      case jit::TK_CLASS_DEF:
        classBody(tree);
        return 0;
      case jit::TK_DEF:
        require(!names::runsAtLoading(identifier(tree->tree(0))), "has '", identifier(tree->tree(0)),
                "', which runs while the model is loaded (quantised and prepacked models have it too): export the plain float model");
        return sum(tree);
      default:
        return noted(sum(tree));
    }
  }

  uint64_t variable(const std::string& name) {
    require(name != "__torch__", "uses __torch__ as a value");
    own_->uses.insert(name);
    const auto found = locals_.find(name);
    return found == locals_.end() ? 0 : noted(found->second);
  }

  uint64_t select(const TreeRef& tree) {
    const std::string name = chain(tree);
    if (name.starts_with("__torch__.")) {
      require(!name.starts_with("__torch__.torch.classes"), "uses a C++ class (", name, "), which runs code of its own");
      own_->uses.insert(name);
    }
    if (name.starts_with("CONSTANTS.")) return noted(constantText_);
    const uint64_t size = name.starts_with("__torch__.") ? 0 : visit(tree->tree(0));
    const auto found = definitions_.constants.find(identifier(tree->tree(1)));
    return noted(size + (found == definitions_.constants.end() ? 0 : found->second));
  }

  uint64_t apply(const TreeRef& tree) {
    const TreeRef& called = tree->tree(0);
    const bool method = called->kind() == '.';
    require(method || called->kind() == jit::TK_VAR, "calls what has no name");
    const std::string name = identifier(called->tree(method ? 1 : 0));
    requireBounded(name);
    require(name != "ConstantMKLDNNTensor",
            "was made by torch.jit.optimize_for_inference, which leaves the weights out of the file: save the model as it was before");
    require(method || names::isCalledByName(name) || isFunction(name), "calls '", name, "', which exported code does not");
    if (!method && name == "getattr") return attribute(tree->tree(1)->trees());
    const uint64_t size = visit(called) + visit(tree->tree(1)) + visit(tree->tree(2));
    return names::isPassing(name) ? noted(size) : 0;
  }

  void requireBounded(const std::string& name) const {
    require(!names::isUnbounded(name), "uses '", name,
            "', which could run without a bound, or do more than compute, while the model is loaded");
  }

  /// `getattr(self, "0")`: how exported code reads what is called no identifier.
  uint64_t attribute(const jit::TreeList& arguments) {
    require(arguments.size() == 2 && arguments[1]->kind() == jit::TK_STRINGLITERAL, "reads an attribute without its name");
    const std::string name = jit::StringLiteral(arguments[1]).text();
    requireBounded(name);
    const auto found = definitions_.constants.find(name);
    return noted(visit(arguments[0]) + (found == definitions_.constants.end() ? 0 : found->second));
  }

  /// Whether a local name stands for a function of the archive (`_0 = __torch__.f`), and for nothing else.
  bool isFunction(const std::string& name) const {
    const auto found = functions_.find(name);
    return found != functions_.end() && found->second;
  }

  bool isRange(const TreeRef& iterators) const {
    const auto& all = iterators->trees();
    return all.size() == 1 && all[0]->kind() == jit::TK_APPLY && chain(all[0]->tree(0)) == "range";
  }

  void nameFunction(const TreeRef& assigned) {
    const auto& targets = assigned->tree(0)->trees();
    const auto& values = assigned->tree(1)->trees();
    const bool function = values.size() == 1 && chain(values[0]).starts_with("__torch__.");
    for (const TreeRef& target : targets) {
      if (target->kind() != jit::TK_VAR) continue;
      const auto [known, added] = functions_.try_emplace(identifier(target->tree(0)), function);
      known->second = known->second && function;
    }
  }

  /// `a, b = x, y` makes no tuple.
  void assignFrom(const TreeRef& target, const TreeRef& value) {
    if (target->kind() != jit::TK_TUPLE_LITERAL || value->kind() != jit::TK_TUPLE_LITERAL ||
        target->tree(0)->trees().size() != value->tree(0)->trees().size())
      return assign(target, visit(value));
    std::vector<uint64_t> sizes;
    for (const TreeRef& one : value->tree(0)->trees()) sizes.push_back(visit(one));
    for (size_t i = 0; i < sizes.size(); ++i) assign(target->tree(0)->trees()[i], sizes[i]);
  }

  void assign(const TreeRef& target, uint64_t size) {
    if (target->kind() == jit::TK_VAR) {
      uint64_t& known = locals_[identifier(target->tree(0))];
      known = std::max(known, size);
    } else if (target->kind() == '.' || target->kind() == jit::TK_SUBSCRIPT) {
      visit(target);
    } else {
      for (const TreeRef& part : target->trees()) assign(part, size);
    }
  }

  /// `__annotations__["0"] = T` says the type of an attribute that is called no identifier.
  static bool isAnnotation(const TreeRef& assigned) {
    const auto& targets = assigned->tree(0)->trees();
    return targets.size() == 1 && targets[0]->kind() == jit::TK_SUBSCRIPT && chain(targets[0]->tree(0)) == "__annotations__";
  }

  void classBody(const TreeRef& tree) {
    const jit::ClassDef definition(tree);
    uint64_t fields = 1;
    for (const jit::Stmt& statement : definition.body()) {
      fields += statement.kind() == jit::TK_ASSIGN;
      visit(statement);
      locals_.clear();
      functions_.clear();
    }
    const auto super = definition.superclass();
    const std::string base = super.present() ? chain(super.get()) : "";
    // The unpickler makes nothing of a value that an Enum has not, and then takes what lies below for it.
    require(base != "Enum", "has an Enum, which the CNNs that are read cannot have: use its values");
    if (base != "NamedTuple") return;
    definitions_.tupleFields *= fields;
    require(definitions_.tupleFields <= kMaxTupleFields, "has named tuples of too many fields");
  }

  const std::string& path_;
  size_t constantText_;
  Definitions& definitions_;
  Definitions::Definition nowhere_;
  Definitions::Definition* own_ = &nowhere_;
  std::unordered_map<std::string, uint64_t> locals_;
  std::unordered_map<std::string, bool> functions_;
  uint64_t folded_ = 0;
  int depth_ = 0;
};

using Definition = std::pair<std::string, TreeRef>;

/// A file's classes and functions by their qualified names.
std::vector<Definition> parse(const std::string& path, const std::string& code) {
  constexpr std::string_view kFolder = "code/", kSuffix = ".py";
  std::string space = path.substr(kFolder.size(), path.size() - kFolder.size() - kSuffix.size());
  std::replace(space.begin(), space.end(), '/', '.');
  const auto source = std::make_shared<jit::Source>(code, path, 1);
  const int depth = codeDepth(source);
  check(depth <= kMaxCodeDepth, ErrorCode::format, "'", path, "' in the archive nests its code too deep (", depth,
        " levels), expected at most ", kMaxCodeDepth);
  jit::Parser parser(source);
  auto& lexer = parser.lexer();
  std::vector<Definition> definitions;
  while (lexer.cur().kind != jit::TK_EOF) {
    const int kind = lexer.cur().kind;
    if (kind == jit::TK_CLASS_DEF || kind == jit::TK_DEF) {
      const TreeRef tree = kind == jit::TK_DEF ? parser.parseFunction(/*is_method=*/false) : parser.parseClass();
      definitions.emplace_back(space + "." + identifier(tree->tree(0)), tree);
    } else {
      lexer.next();  // a version number, or imports, which older files have and libtorch skips
    }
  }
  return definitions;
}

}  // namespace

void checkCode(const std::map<std::string, std::string>& code, size_t constantText) {
  Definitions definitions;
  std::map<std::string, std::vector<Definition>> files;
  for (const auto& [path, text] : code) {
    files[path] = parse(path, text);
    Walker walker(path, constantText, definitions);
    for (const auto& [name, tree] : files[path]) walker.learn(tree);
  }
  for (const auto& [path, inFile] : files) {
    Walker walker(path, constantText, definitions);
    for (const auto& [name, tree] : inFile) walker.walk(tree, name);
  }
  definitions.checkDepth();
}

}  // namespace cumulens
