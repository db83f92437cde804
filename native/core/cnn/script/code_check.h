#pragma once

#include <map>
#include <string>

namespace cumulens {

/// Goes through the code of a TorchScript archive before libtorch compiles it, and refuses what would run, or run away, in mid-compilation:
///  - a default argument or a class constant that is more than a literal, since libtorch evaluates it, whatever it calls;
///  - `__setstate__` and C++ classes (`torch.classes`), which run code when objects are made;
///  - operations on plain values that the compiler folds although they do more than compute, or grow without a bound, and texts
///    and tuples that grow step by step;
///  - definitions that use one another, and expressions, deeper than recursion has room for.
/// @param code the text of each file by its path in the archive, code/__torch__/torch/nn/modules/conv.py
/// @param constantText the longest text in the archive's table of constants
/// @throws Error format, naming the file
void checkCode(const std::map<std::string, std::string>& code, size_t constantText);

}  // namespace cumulens
