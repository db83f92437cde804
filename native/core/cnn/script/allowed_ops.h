#pragma once

#include <string>

namespace cumulens {

/// Whether a graph may have this node (`aten::relu`, `prim::If` …): those of classifiers that compute, deterministically, and nothing
/// else: no files, processes, threads, networks or streams, no random numbers, no state that changes, no unchecked memory.
bool isAllowedOp(const std::string& qualifiedName);

}  // namespace cumulens
