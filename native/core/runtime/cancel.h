#pragma once
#include <atomic>

#include "core/runtime/error.h"

namespace cumulens {

/// Set once from any thread; long work looks at it between steps, so that an abort takes well under a second.
class CancelToken {
 public:
  void cancel() noexcept { cancelled_.store(true, std::memory_order_relaxed); }
  bool cancelled() const noexcept { return cancelled_.load(std::memory_order_relaxed); }

  /// Throws Error{aborted} once `cancel` was called.
  void check() const {
    if (cancelled()) throw Error(ErrorCode::aborted, "the operation was aborted");
  }

 private:
  std::atomic<bool> cancelled_{false};
};

}  // namespace cumulens
