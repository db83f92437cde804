#include "binding/external_memory.h"

#include <algorithm>

namespace cumulens {
namespace {

constexpr std::int64_t kMostTooMuch = std::int64_t{256} << 20;

}  // namespace

void ExternalMemory::add(Napi::Env env, std::int64_t bytes) {
  held_ += bytes;
  tell(env, std::max(told_, held_));
}

void ExternalMemory::remove(Napi::Env env, std::int64_t bytes) {
  held_ -= bytes;
  tell(env, std::min(told_, held_ + kMostTooMuch));
}

void ExternalMemory::tell(Napi::Env env, std::int64_t bytes) {
  if (bytes == told_) return;
  Napi::MemoryManagement::AdjustExternalMemory(env, bytes - told_);
  told_ = bytes;
}

}  // namespace cumulens
