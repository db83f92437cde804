#pragma once

#include <cstddef>

namespace cumulens {

/// While one lives, tensors that its thread makes on the CPU may take no more memory than the machine, or the control group that the
/// process is in, had to give when it began: an allocation beyond throws c10::OutOfMemoryError. Without it the kernel grants more than
/// there is, and ends the process when it is used. For work whose sizes come from strangers.
class MemoryLimit {
 public:
  MemoryLimit();
  ~MemoryLimit();
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;

 private:
  std::size_t outer_;
};

/// Bytes that could still be used without swapping; the largest number where the system does not say.
std::size_t availableMemory();

}  // namespace cumulens
