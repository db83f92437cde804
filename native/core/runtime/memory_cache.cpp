#include "core/runtime/memory_cache.h"

#include "core/runtime/memory_limit.h"
#include "core/runtime/memory_region.h"

#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <unordered_map>
#include <utility>
#include <vector>

namespace cumulens {

namespace {

constexpr std::size_t kSmallest = std::size_t{1} << 18;  // smaller blocks are malloc's business, which keeps them itself

constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max();
thread_local std::size_t threadLimit = kUnlimited;  // of all blocks that are counted, for this thread

/// Rounded up by at most an eighth, so that blocks of nearly one size serve each other.
std::size_t sizeClass(std::size_t bytes) {
  if (bytes < kSmallest) return bytes;
  const std::size_t unit = std::bit_floor(bytes) / 8;
  return (bytes + unit - 1) / unit * unit;
}

class CachingAllocator final : public c10::Allocator {
 public:
  /// Never destroyed: tensors of static life may outlive any order of destruction.
  static CachingAllocator& instance() {
    alignas(CachingAllocator) static std::byte storage[sizeof(CachingAllocator)];
    static auto* const allocator = [] {
      auto* const created = ::new (static_cast<void*>(storage)) CachingAllocator(*c10::GetCPUAllocator());
      c10::SetCPUAllocator(created, /*priority=*/1);
      return created;
    }();
    return *allocator;
  }

  c10::DataPtr allocate(std::size_t bytes) override {
    if (void* const block = borrow(bytes)) return {block, block, &release, c10::Device(c10::kCPU)};
    if (bytes >= kSmallest || (threadLimit != kUnlimited && bytes > 0)) {
      if (void* const block = take(sizeClass(bytes))) return {block, block, &release, c10::Device(c10::kCPU)};
    }
    return base_.allocate(bytes);
  }

  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void* to, const void* from, std::size_t bytes) const override { std::memcpy(to, from, bytes); }

  /// Bytes of the blocks that are counted.
  std::size_t live() {
    const std::lock_guard lock(mutex_);
    return live_;
  }

  void enter() {
    const std::lock_guard lock(mutex_);
    ++users_;
  }

  void leave() {
    const std::lock_guard lock(mutex_);
    if (--users_ > 0) return;
    evictUntil(0);
    peak_ = live_;
  }

 private:
  explicit CachingAllocator(c10::Allocator& base) : base_(base) {}

  /// A block of the class, counted; null when nobody wants it cached, or counted.
  void* take(std::size_t size) {
    const std::lock_guard lock(mutex_);
    const bool cached = users_ > 0 && size >= kSmallest;
    if (!cached && threadLimit == kUnlimited) return nullptr;
    TORCH_CHECK_WITH(OutOfMemoryError, live_ <= threadLimit && size <= threadLimit - live_, "not enough memory: ", size,
                     " bytes more, where ", threadLimit - std::min(live_, threadLimit), " are left");
    void* block = cached ? reuse(size) : nullptr;
    if (block == nullptr) block = c10::alloc_cpu(size);
    sizes_.emplace(block, size);
    live_ += size;
    return block;
  }

  /// A block that was kept, or null after room is made for a new one.
  void* reuse(std::size_t size) {
    auto& blocks = free_[size];
    if (blocks.empty()) {
      peak_ = std::max(peak_, live_ + size);
      evictUntil(peak_ + peak_ / 2 - (live_ + size));
      return nullptr;
    }
    void* const block = blocks.back();
    blocks.pop_back();
    cached_ -= size;
    return block;
  }

  /// A block of what lends to this thread, if anything does. A limit counts the memory that is asked for, so it goes without.
  void* borrow(std::size_t bytes) {
    if (bytes < kSmallest || threadLimit != kUnlimited) return nullptr;
    std::shared_ptr<LentMemory> lender = MemoryRegion::ofThread();
    void* const block = lender ? lender->take(bytes) : nullptr;
    if (block == nullptr) return nullptr;
    const std::lock_guard lock(mutex_);
    borrowed_.emplace(block, std::move(lender));
    return block;
  }

  bool giveBack(void* block) {
    std::shared_ptr<LentMemory> lender;
    {
      const std::lock_guard lock(mutex_);
      const auto found = borrowed_.find(block);
      if (found == borrowed_.end()) return false;
      lender = std::move(found->second);
      borrowed_.erase(found);
    }
    lender->giveBack(block);
    return true;
  }

  static void release(void* block) {
    if (!instance().giveBack(block) && !instance().keep(block)) c10::free_cpu(block);
  }

  bool keep(void* block) {
    const std::lock_guard lock(mutex_);
    const auto found = sizes_.find(block);
    if (found == sizes_.end()) return false;
    const std::size_t size = found->second;
    sizes_.erase(found);
    live_ -= size;
    if (users_ == 0 || size < kSmallest) return false;
    free_[size].push_back(block);
    cached_ += size;
    return true;
  }

  void evictUntil(std::size_t allowed) {
    for (auto& [size, blocks] : free_) {
      while (cached_ > allowed && !blocks.empty()) {
        c10::free_cpu(blocks.back());
        blocks.pop_back();
        cached_ -= size;
      }
    }
  }

  c10::Allocator& base_;
  std::mutex mutex_;
  std::size_t users_ = 0;
  std::size_t live_ = 0;                          // bytes of the blocks in use
  std::size_t cached_ = 0;                        // and kept
  std::size_t peak_ = 0;                          // most bytes in use at once
  std::unordered_map<void*, std::size_t> sizes_;  // of the blocks in use that are counted
  std::unordered_map<void*, std::shared_ptr<LentMemory>> borrowed_;
  std::map<std::size_t, std::vector<void*>> free_;
};

std::size_t saturatedSum(std::size_t a, std::size_t b) { return a > kUnlimited - b ? kUnlimited : a + b; }

}  // namespace

MemoryLimit::MemoryLimit() : outer_(threadLimit) {
  threadLimit = std::min(outer_, saturatedSum(CachingAllocator::instance().live(), availableMemory()));
}

MemoryLimit::~MemoryLimit() { threadLimit = outer_; }

MemoryCache::MemoryCache() { CachingAllocator::instance().enter(); }

MemoryCache::~MemoryCache() { CachingAllocator::instance().leave(); }

void useLentMemory() { CachingAllocator::instance(); }

}  // namespace cumulens
