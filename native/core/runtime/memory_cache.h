#pragma once

namespace cumulens {

/// While one lives, the large blocks of CPU memory that tensors give back are kept for the next tensor of that size. A training step asks
/// for the same sizes again and again, and a fresh block costs a page fault every 4 KiB: without this a step takes up to 1.8 times as
/// long. Holds at most half as much again as was in use at once, and gives all of it back when the last MemoryCache goes.
class MemoryCache {
 public:
  MemoryCache();
  ~MemoryCache();
  MemoryCache(const MemoryCache&) = delete;
  MemoryCache& operator=(const MemoryCache&) = delete;
};

/// From now on, tensors' CPU memory may also come from a MemoryRegion.
void useLentMemory();

}  // namespace cumulens
