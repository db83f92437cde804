#pragma once

#include "core/cnn/cnn.h"

#include <exception>
#include <optional>
#include <utility>
#include <vector>

namespace cumulens {

/// Watches one run of a script's graph on this thread. The graph has a `cumulens::tap` behind every value that could be explained (see
/// script/graph.h), which comes here.
class ScriptObserver {
 public:
  /// What is done with one pass through a tap point, in the order of execution.
  struct Event {
    int64_t point;         ///< which `cumulens::tap`
    bool tapped = false;   ///< its value and gradient are wanted
    bool changed = false;  ///< the graph changes the value in place afterwards, so that it must be copied
  };

  /// @param expected the passes of an earlier run, which this one must repeat; null for a first run: every pass is tapped.
  ScriptObserver(const CancelToken& cancel, const std::vector<Event>* expected);
  ~ScriptObserver();
  ScriptObserver(const ScriptObserver&) = delete;
  ScriptObserver& operator=(const ScriptObserver&) = delete;

  /// What the graph goes on with in place of `value`.
  at::Tensor tap(const at::Tensor& value, int64_t point);
  /// Told of the output of every activation that rectifies.
  void activated(const at::Tensor& output);

  /// Gradients go by guided backpropagation's rule from now on.
  void guide() { guided_ = true; }
  /// The graph goes on with `value` instead of the value of event number `event`.
  void replace(size_t event, at::Tensor value) { replacement_.emplace(event, std::move(value)); }

  /// Rethrows what a callback threw: the interpreter would turn it into text.
  void rethrow() const;
  /// @throws Error shape unless the run made the expected passes, all of them.
  void finish() const;

  const std::vector<Event>& events() const { return events_; }
  TappedForward& taps() { return taps_; }
  /// Marks the events whose value was changed in place after it was tapped. @returns whether one was that should have been copied
  bool markChanged();

 private:
  template <class Work>
  auto guarded(Work work);
  void record(const at::Tensor& value, bool copy);
  at::Tensor replaced(const at::Tensor& value) const;

  const CancelToken& cancel_;
  const std::vector<Event>* expected_;
  std::vector<Event> events_;
  std::vector<size_t> tapped_;      // of each tap: its event
  std::vector<uint32_t> versions_;  // of each tap: as it was tapped
  TappedForward taps_;
  bool guided_ = false;
  std::optional<std::pair<size_t, at::Tensor>> replacement_;
  std::exception_ptr failure_;
  ScriptObserver* outer_;
};

}  // namespace cumulens
