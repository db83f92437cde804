#pragma once

#include "core/runtime/cancel.h"
#include "core/runtime/memory_limit.h"

#include <torch/csrc/jit/ir/ir.h>

#include <exception>

namespace cumulens {

/// Keeps one run of a script's graph on this thread within bounds: it can be cancelled, its loops end, its lists, texts and tensors fit
/// into memory. The operations that `insertLimits` puts into the graph come here.
class ScriptLimits {
 public:
  explicit ScriptLimits(const CancelToken& cancel);
  ~ScriptLimits();
  ScriptLimits(const ScriptLimits&) = delete;
  ScriptLimits& operator=(const ScriptLimits&) = delete;

  /// `nodes` operations come, in a loop.
  void step(int64_t nodes);
  /// A list grows by so many elements.
  void spend(int64_t elements);
  /// A tensor has so many values, which may be the same ones in memory.
  void extend(int64_t values);

  /// Rethrows what a limit threw: the interpreter would turn it into text.
  void rethrow() const;

 private:
  template <class Work>
  void guarded(Work work);

  const CancelToken& cancel_;
  MemoryLimit memory_;
  int64_t nodes_ = 0;
  int64_t elements_ = 0;
  std::exception_ptr failure_;
  ScriptLimits* outer_;
};

/// Makes texts by an operation of ours, which cuts them short: they serve for messages alone. Before anything is folded.
void limitTexts(torch::jit::Graph& graph);

/// Puts the limits into a graph that is checked and done.
void insertLimits(torch::jit::Graph& graph);

}  // namespace cumulens
