#include "core/runtime/compute_thread.h"

#include <chrono>
#include <thread>

namespace cumulens {
namespace {

// Longest that an exit waits for the step under way. Work looks at its token far more often than this.
constexpr std::chrono::seconds kExitPatience{10};

}  // namespace

ComputeThread& ComputeThread::instance() {
  // Storage without a destructor: see the class comment.
  alignas(ComputeThread) static std::byte storage[sizeof(ComputeThread)];
  static ComputeThread* const instance = ::new (static_cast<void*>(storage)) ComputeThread();
  return *instance;
}

void ComputeThread::post(Job job) {
  const std::lock_guard lock(mutex_);
  if (!started_) {
    std::thread([this] { loop(); }).detach();
    started_ = true;
  }
  queue_.push_back(std::move(job));
  wake_.notify_one();
}

void ComputeThread::abandon(const void* owner) {
  std::deque<Job> dropped;  // destroyed after the lock is released: a job may own tensors
  std::unique_lock lock(mutex_);
  std::deque<Job> kept;
  for (Job& job : queue_) (job.owner == owner ? dropped : kept).push_back(std::move(job));
  queue_ = std::move(kept);
  if (runningOwner_ == owner && runningToken_) runningToken_->cancel();
  idle_.wait(lock, [&] { return runningOwner_ != owner; });
}

// The jobs that wait are left where they are: they may hold JavaScript references, and nobody is there to release those to.
void ComputeThread::stop() {
  std::unique_lock lock(mutex_);
  stopped_ = true;
  if (runningToken_) runningToken_->cancel();
  idle_.wait_for(lock, kExitPatience, [this] { return runningOwner_ == nullptr; });
}

void ComputeThread::loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return !queue_.empty() && !stopped_; });
    Job job = std::move(queue_.front());
    queue_.pop_front();
    runningOwner_ = job.owner;
    runningToken_ = job.token;
    lock.unlock();
    job.run();
    job = Job{};  // what the job captured goes before the owner may go
    lock.lock();
    runningOwner_ = nullptr;
    runningToken_.reset();
    idle_.notify_all();
  }
}

}  // namespace cumulens
