#include "core/runtime/memory_limit.h"
#include "core/runtime/memory_region.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <limits>
#include <optional>
#include <string>

namespace cumulens {
namespace {

std::optional<std::uint64_t> readNumber(const char* path) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  return file >> value ? std::optional(value) : std::nullopt;  // "max" is no number
}

/// The number behind a name, in a file of such lines.
std::optional<std::uint64_t> readField(const char* path, const std::string& field) {
  std::ifstream file(path);
  for (std::string name, rest; file >> name; std::getline(file, rest)) {
    std::uint64_t value = 0;
    if (name == field && file >> value) return value;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> ofMachine() {
  const auto kilobytes = readField("/proc/meminfo", "MemAvailable:");
  return kilobytes ? std::optional(*kilobytes * 1024) : std::nullopt;
}

struct Group {
  const char *limit, *usage, *statistics, *cache;
};

/// What the process's control group may still take, as a container sees its own: version 2, then 1.
std::optional<std::uint64_t> ofGroup() {
  constexpr Group kGroups[] = {
      {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.stat", "inactive_file"},
      {"/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes", "/sys/fs/cgroup/memory/memory.stat",
       "total_inactive_file"},
  };
  for (const Group& group : kGroups) {
    const auto limit = readNumber(group.limit), usage = readNumber(group.usage);
    if (!limit || !usage) continue;
    // Files that were read and are kept in memory count as usage, but give way.
    const std::uint64_t used = *usage - std::min(*usage, readField(group.statistics, group.cache).value_or(0));
    return *limit - std::min(*limit, used);
  }
  return std::nullopt;
}

}  // namespace

std::size_t availableMemory() {
  constexpr std::uint64_t kAll = std::numeric_limits<std::size_t>::max();
  const std::uint64_t available = std::min(ofMachine().value_or(kAll), ofGroup().value_or(kAll));
  return available - std::min<std::uint64_t>(available, offeredMemory());
}

}  // namespace cumulens
