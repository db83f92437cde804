#include "core/cnn/script/constants.h"

#include <torch/csrc/jit/ir/constants.h>

namespace cumulens {

std::optional<bool> constantBool(const torch::jit::Value* value) {
  const auto found = torch::jit::toIValue(value);
  return found && found->isBool() ? std::optional(found->toBool()) : std::nullopt;
}

std::optional<int64_t> constantInt(const torch::jit::Value* value) {
  const auto found = torch::jit::toIValue(value);
  return found && found->isInt() ? std::optional(found->toInt()) : std::nullopt;
}

std::optional<std::vector<int64_t>> constantInts(const torch::jit::Value* value) {
  if (const auto found = torch::jit::toIValue(value); found && found->isIntList()) return found->toIntVector();
  if (value->node()->kind() != c10::prim::ListConstruct) return std::nullopt;
  std::vector<int64_t> numbers;
  for (const torch::jit::Value* input : value->node()->inputs()) {
    const auto number = constantInt(input);
    if (!number) return std::nullopt;
    numbers.push_back(*number);
  }
  return numbers;
}

}  // namespace cumulens
