#include "core/cnn/script/code_names.h"

#include <unordered_set>

namespace cumulens::names {
namespace {

using Names = std::unordered_set<std::string_view>;

const Names kUnbounded{"set_grad_enabled",
                       "manual_seed",
                       "_print",
                       "factorial",
                       "_cufft_set_plan_cache_max_size",
                       "AddStatValue",
                       "_cufft_clear_plan_cache",
                       "center",
                       "ljust",
                       "rjust",
                       "zfill",
                       "expandtabs",
                       "replace",
                       "join",
                       "percentFormat"};

const Names kRunAtLoading{"__setstate__", "__getstate__"};

const Names kPassing{"add",
                     "format",
                     "str",
                     "slice",
                     "__getitem__",
                     "annotate",
                     "unchecked_cast",
                     "_unwrap_optional",
                     "list",
                     "bin",
                     "hex",
                     "oct",
                     "chr",
                     "lower",
                     "upper",
                     "capitalize",
                     "title",
                     "swapcase",
                     "strip",
                     "lstrip",
                     "rstrip",
                     "split",
                     "rsplit",
                     "splitlines",
                     "partition",
                     "rpartition",
                     "sorted",
                     "copy",
                     "keys",
                     "items",
                     "values",
                     "get",
                     "pop",
                     "popitem",
                     "dict",
                     "tuple",
                     "unchecked_unwrap_optional"};

const Names kCalledByName{"annotate", "getattr", "unchecked_cast", "uninitialized", "isinstance", "range", "int",
                          "float",    "bool",    "complex",        "str",           "print",      "len",   "ord",
                          "list",     "dict",    "tuple",          "fork",          "awaitable"};

}  // namespace

bool isUnbounded(std::string_view name) { return kUnbounded.contains(name); }
bool runsAtLoading(std::string_view name) { return kRunAtLoading.contains(name); }
bool isPassing(std::string_view name) { return kPassing.contains(name); }
bool isCalledByName(std::string_view name) { return kCalledByName.contains(name); }

}  // namespace cumulens::names
