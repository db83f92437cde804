#pragma once

#include <napi.h>

#include <cstdint>

namespace cumulens {

/// What V8 is told of the memory that an environment's tensors hold. V8 marks its whole heap whenever it learns of so much more, and that
/// took longer than the maps of a batch: so what was given back counts on, up to 256 MiB, and the next call's tensors are no news.
/// JavaScript thread.
class ExternalMemory {
 public:
  void add(Napi::Env env, std::int64_t bytes);
  void remove(Napi::Env env, std::int64_t bytes);

 private:
  void tell(Napi::Env env, std::int64_t bytes);

  std::int64_t held_ = 0;
  std::int64_t told_ = 0;
};

}  // namespace cumulens
