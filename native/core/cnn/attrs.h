#pragma once

#include "core/cnn/spec.h"

#include <array>
#include <optional>

namespace cumulens {

/// Typed reading of a node's attributes; an absent or mistyped one throws ErrorCode::option with its name.
class Attrs {
 public:
  explicit Attrs(const AttrMap& values) : values_(values) {}

  double number(const std::string& name) const;
  int64_t integer(const std::string& name) const;
  bool boolean(const std::string& name) const;
  const std::string& text(const std::string& name) const;
  /// The text, or nothing if the attribute is of another type (a padding is a word or four numbers).
  std::optional<std::string> textIf(const std::string& name) const;
  /// A list; a single number counts as a list of one.
  std::vector<double> numbers(const std::string& name) const;
  /// Two integers [height, width]; a single number stands for both.
  std::array<int64_t, 2> pair(const std::string& name) const;

 private:
  const AttrValue& at(const std::string& name) const;
  const AttrMap& values_;
};

}  // namespace cumulens
