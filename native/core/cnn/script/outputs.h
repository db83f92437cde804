#pragma once

#include <ATen/core/ivalue.h>

#include <optional>
#include <string>

namespace cumulens {

/// Where a model's output has its logits.
struct LogitsPlace {
  int64_t classes = 0;
  std::optional<size_t> part;  ///< which part of a tuple, list or dictionary; nothing: the output itself
  std::string note;            ///< for a person, where there are parts
};

/// The output itself, the only part of it that is [images, classes], or of several the one that is called `logits`.
/// @throws Error shape where there is none, or more than one
LogitsPlace findLogits(const c10::IValue& output, int64_t images);

/// @throws Error shape unless there are logits [images, classes] in that place
at::Tensor takeLogits(const c10::IValue& output, const LogitsPlace& place, int64_t images);

}  // namespace cumulens
