#pragma once

#include <string_view>

/// Names in an archive's code, by what the compiler does with them.
namespace cumulens::names {

/// What it folds although it has an effect, takes without an end, or grows beyond its arguments.
bool isUnbounded(std::string_view name);
/// Methods that run while a model is loaded.
bool runsAtLoading(std::string_view name);
/// What gives a text or a tuple that is no larger than its arguments together.
bool isPassing(std::string_view name);
/// What exported code calls that is neither a method nor of a namespace.
bool isCalledByName(std::string_view name);

}  // namespace cumulens::names
