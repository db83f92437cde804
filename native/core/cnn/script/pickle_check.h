#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace cumulens {

/// How many bytes a tensor's record has in the archive; nothing where there is none.
using RecordBytes = std::function<std::optional<uint64_t>(const std::string& key)>;

/// Goes through a TorchScript archive's pickle before libtorch does, and refuses what its unpickler takes on trust: that a tensor lies
/// within its storage and the storage within its record (it would read, and a graph could write, beside them), that an int it calls
/// is a function, that nothing holds itself, that values nest only so deep, and that only globals which make plain data are named:
/// neither C++ classes (`__torch__.torch.classes`), which run code of their own when they are made, nor remote references.
/// @returns the bytes of its longest text
/// @throws Error format, naming `what` and the position.
size_t checkPickle(std::string_view bytes, const RecordBytes& recordBytes, const std::string& what);

}  // namespace cumulens
