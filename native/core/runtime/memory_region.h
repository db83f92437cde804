#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

namespace cumulens {

/// Contiguous CPU memory of which blocks are taken and given back, by any thread.
class LentMemory {
 public:
  explicit LentMemory(std::size_t bytes);
  ~LentMemory();
  LentMemory(const LentMemory&) = delete;
  LentMemory& operator=(const LentMemory&) = delete;

  /// @returns null where there is no room
  void* take(std::size_t bytes);
  void giveBack(const void* block);
  /// Whether no block of it is out.
  bool isWhole() const;
  /// Lets the system have the pages when it is short of memory, and then what was written on them is gone; as long as it is not, they cost
  /// no fault.
  void offerPages();
  std::byte* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  struct Block {
    std::size_t begin, end;
    bool out;
  };

  std::size_t size_;
  std::byte* data_;
  bool offered_ = false;
  mutable std::mutex mutex_;
  std::vector<Block> blocks_;  // by place; the last one is out
};

/// Bytes that the system was offered, by `offerPages`, and that still exist. It counts them as available, in use again or not.
std::size_t offeredMemory();

/// Keeps the memory that was given back to it last, for whoever takes as much next: fresh memory costs a page fault every few KiB. The
/// system may have it when it is short of memory.
class SpareMemory {
 public:
  /// What is kept, if it fits, else new memory. It may be given back, by any thread, when the SpareMemory is gone.
  std::shared_ptr<LentMemory> take(std::size_t bytes);

 private:
  struct Place {
    std::mutex mutex;
    std::unique_ptr<LentMemory> kept;
  };

  std::shared_ptr<Place> place_ = std::make_shared<Place>();
};

/// Memory of a large tensor that is not made yet, lent until then to others that will be gone by that time. A pass's activations lie where
/// its maps will: without it the maps come on top of what the allocator keeps of the activations.
class MemoryRegion {
 public:
  /// Lends to the large tensors that this thread makes on the CPU, from now on, as long as there is room.
  /// @param bytes of `spare`; 0: nothing
  MemoryRegion(SpareMemory& spare, std::size_t bytes);
  ~MemoryRegion() { close(); }
  MemoryRegion(const MemoryRegion&) = delete;
  MemoryRegion& operator=(const MemoryRegion&) = delete;

  /// Lends no more; what is lent stays where it is. On the thread that made the region.
  void close();
  /// The tensor, of unset values: in the region's memory if it fits and all that was lent is back, else in other memory.
  at::Tensor become(at::IntArrayRef sizes, const at::TensorOptions& options);

  /// What lends to this thread; null where nothing does.
  static std::shared_ptr<LentMemory> ofThread();

 private:
  std::shared_ptr<LentMemory> memory_;
  MemoryRegion* outer_;
};

}  // namespace cumulens
