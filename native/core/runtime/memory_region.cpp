#include "core/runtime/memory_region.h"

#include "core/runtime/memory_cache.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/impl/alloc_cpu.h>

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <utility>

namespace cumulens {

namespace {

constexpr std::size_t kAlignment = 64;

thread_local MemoryRegion* lender = nullptr;

std::atomic<std::size_t> offeredBytes{0};

}  // namespace

LentMemory::LentMemory(std::size_t bytes) : size_(bytes), data_(static_cast<std::byte*>(c10::alloc_cpu(bytes))) {}

LentMemory::~LentMemory() {
  if (offered_) offeredBytes -= size_;
  c10::free_cpu(data_);
}

void* LentMemory::take(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  const std::size_t begin = blocks_.empty() ? 0 : (blocks_.back().end + kAlignment - 1) / kAlignment * kAlignment;
  if (begin > size_ || bytes > size_ - begin) return nullptr;
  blocks_.push_back({begin, begin + bytes, true});
  return data_ + begin;
}

void LentMemory::giveBack(const void* block) {
  const std::lock_guard lock(mutex_);
  const auto begin = static_cast<std::size_t>(static_cast<const std::byte*>(block) - data_);
  std::find_if(blocks_.rbegin(), blocks_.rend(), [&](const Block& one) { return one.begin == begin; })->out = false;
  while (!blocks_.empty() && !blocks_.back().out) blocks_.pop_back();
}

bool LentMemory::isWhole() const {
  const std::lock_guard lock(mutex_);
  return blocks_.empty();
}

void LentMemory::offerPages() {
  if (!std::exchange(offered_, true)) offeredBytes += size_;
  static const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto place = reinterpret_cast<std::uintptr_t>(data_);
  const std::uintptr_t begin = (place + page - 1) / page * page, end = (place + size_) / page * page;
  if (begin < end) ::madvise(data_ + (begin - place), end - begin, MADV_FREE);
}

std::size_t offeredMemory() { return offeredBytes; }

std::shared_ptr<LentMemory> SpareMemory::take(std::size_t bytes) {
  std::unique_ptr<LentMemory> memory;
  {
    const std::lock_guard lock(place_->mutex);
    memory = std::move(place_->kept);
  }
  const bool fits = memory && memory->isWhole() && memory->size() >= bytes && memory->size() - bytes <= bytes / 8;
  if (!fits) {
    memory.reset();
    memory = std::make_unique<LentMemory>(bytes);
  }
  return {memory.release(), [place = std::weak_ptr<Place>(place_)](LentMemory* given) {
            std::unique_ptr<LentMemory> back(given);
            const std::shared_ptr<Place> home = place.lock();
            if (!home) return;
            back->offerPages();
            const std::lock_guard lock(home->mutex);
            home->kept.swap(back);
          }};
}

MemoryRegion::MemoryRegion(SpareMemory& spare, std::size_t bytes) : outer_(lender) {
  if (bytes == 0) return;
  useLentMemory();
  memory_ = spare.take(bytes);
  lender = this;
}

void MemoryRegion::close() {
  if (lender == this) lender = outer_;
}

at::Tensor MemoryRegion::become(at::IntArrayRef sizes, const at::TensorOptions& options) {
  close();
  const std::shared_ptr<LentMemory> memory = std::exchange(memory_, nullptr);
  const std::size_t bytes = static_cast<std::size_t>(c10::multiply_integers(sizes)) * options.dtype().itemsize();
  if (!memory || !options.device().is_cpu() || bytes > memory->size() || !memory->isWhole()) return at::empty(sizes, options);
  return at::from_blob(
      memory->data(), sizes, [memory](void*) {}, options);
}

std::shared_ptr<LentMemory> MemoryRegion::ofThread() { return lender == nullptr ? nullptr : lender->memory_; }

}  // namespace cumulens
