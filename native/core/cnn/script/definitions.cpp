#include "core/cnn/script/definitions.h"

#include "core/cnn/script/code_depth.h"
#include "core/runtime/error.h"

#include <algorithm>

namespace cumulens {
namespace {

/// Levels of syntax that a definition within a definition stands for: it takes the compiler up to 10 KB of stack.
constexpr int kDefinitionDepth = 5;

}  // namespace

class Definitions::Descent {
 public:
  explicit Descent(const std::map<std::string, Definition>& all) : all_(all) {}

  /// @param above how deep the compiler is when it comes to `name`. @returns how much deeper it goes
  int into(const std::string& name, int above) {
    if (const auto known = below_.find(name); known != below_.end()) {
      check(known->second != kOpen, ErrorCode::format, "the code in the archive defines '", name, "' by itself");
      checkDepth(name, above + known->second);
      return known->second;
    }
    below_[name] = kOpen;
    const Definition& definition = all_.at(name);
    const int own = definition.depth + kDefinitionDepth;
    checkDepth(name, above + own);
    int deepest = 0;
    for (const std::string& use : definition.uses) {
      const std::string used = find(use);
      check(!used.empty() || !use.starts_with("__torch__."), ErrorCode::format, "the code in the archive uses '", use,
            "', which it does not define");
      if (!used.empty() && used != name) deepest = std::max(deepest, into(used, above + own));
    }
    return below_[name] = own + deepest;
  }

 private:
  static constexpr int kOpen = -1;

  static void checkDepth(const std::string& name, int depth) {
    check(depth <= kMaxCodeDepth, ErrorCode::format, "the code in the archive nests its definitions too deep (", depth, " levels at '",
          name, "'), expected at most ", kMaxCodeDepth);
  }

  /// The definition that a name, or what stands before its last parts, is of.
  std::string find(std::string name) const {
    while (!all_.contains(name)) {
      const size_t dot = name.rfind('.');
      if (dot == std::string::npos) return {};
      name.resize(dot);
    }
    return name;
  }

  const std::map<std::string, Definition>& all_;
  std::map<std::string, int> below_;
};

void Definitions::checkDepth() const {
  Descent descent(all_);
  for (const auto& [name, definition] : all_) descent.into(name, 0);
}

}  // namespace cumulens
