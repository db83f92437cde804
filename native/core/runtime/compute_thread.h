#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "core/runtime/cancel.h"

namespace cumulens {

/// The one thread that does all torch work of the process, in the order it was asked for, so that OpenMP teams do not multiply
/// and results do not depend on who else is working.
///
/// The object lives until the process ends and is never destroyed: an idle thread that waits harms nothing at exit. A process that ends in
/// mid-work is another matter: exit() takes down what libtorch made lazily (oneDNN's caches, say) under the running work, and
/// `process.exit()` runs no environment's cleanup. So stop() is called first, by Node's 'exit' event.
class ComputeThread {
 public:
  struct Job {
    const void* owner;                   ///< who asked (a JavaScript environment); see abandon()
    std::shared_ptr<CancelToken> token;  ///< never null
    std::function<void()> run;           ///< must not throw
  };

  static ComputeThread& instance();

  void post(Job job);

  /// Drops the owner's waiting jobs, cancels the one that is running, and returns when none of them can touch the owner any more.
  void abandon(const void* owner);

  /// Cancels what is running, waits for its end and starts nothing more: the process is about to end.
  void stop();

 private:
  ComputeThread() = default;
  void loop();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable idle_;
  std::deque<Job> queue_;
  const void* runningOwner_ = nullptr;
  std::shared_ptr<CancelToken> runningToken_;
  bool started_ = false;
  bool stopped_ = false;
};

}  // namespace cumulens
