#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <unordered_map>

namespace cumulens {

/// What the code of an archive defines, and how its definitions use one another.
class Definitions {
 public:
  struct Definition {
    int depth = 0;               ///< of its own syntax
    std::set<std::string> uses;  ///< qualified names, some with a member behind: __torch__.f, __torch__.Color.RED
  };

  Definition& add(const std::string& name) { return all_[name]; }

  /// The compiler goes from a definition into those that it uses. @throws Error format where that is too deep, or goes in a circle
  void checkDepth() const;

  std::unordered_map<std::string, uint64_t> constants;  ///< of classes, by name: the size of the largest
  uint64_t tupleFields = 1;                             ///< the product of all named tuples' fields

 private:
  class Descent;
  std::map<std::string, Definition> all_;
};

}  // namespace cumulens
