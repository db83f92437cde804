#pragma once

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace cumulens {

/// Copies `count` rows of `bytes` each beside each other; threads take so many as are worth the hand-over.
/// @param sourceOf called with a row's number, from any thread
template <typename SourceOf>
void copyRows(void* target, std::int64_t count, std::int64_t bytes, const SourceOf& sourceOf) {
  constexpr std::int64_t kBytesPerThread = 1 << 18;
  auto* const to = static_cast<std::byte*>(target);
  at::parallel_for(0, count, std::max<std::int64_t>(1, kBytesPerThread / std::max<std::int64_t>(bytes, 1)),
                   [&](std::int64_t begin, std::int64_t end) {
                     for (std::int64_t i = begin; i < end; ++i) std::memcpy(to + (i * bytes), sourceOf(i), static_cast<std::size_t>(bytes));
                   });
}

}  // namespace cumulens
