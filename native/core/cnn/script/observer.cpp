#include "core/cnn/script/observer.h"

#include "core/cnn/guided.h"
#include "core/cnn/tap_gradients.h"
#include "core/runtime/error.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/variable.h>
#include <torch/csrc/jit/runtime/custom_operator.h>

namespace cumulens {
namespace {

thread_local ScriptObserver* observer = nullptr;

void tapOperation(torch::jit::Stack& stack) {
  const int64_t point = torch::jit::pop(stack).toInt();
  const at::Tensor value = torch::jit::pop(stack).toTensor();
  torch::jit::push(stack, observer ? observer->tap(value, point) : value);
}

void activatedOperation(torch::jit::Stack& stack) {
  if (observer) observer->activated(torch::jit::peek(stack, 0, 1).toTensor());
}

const torch::jit::RegisterOperators observing({
    torch::jit::Operator("cumulens::tap(Tensor(a) value, int point) -> Tensor(a)", tapOperation, c10::AliasAnalysisKind::FROM_SCHEMA),
    torch::jit::Operator("cumulens::activated(Tensor(a) output) -> Tensor(a)", activatedOperation, c10::AliasAnalysisKind::FROM_SCHEMA),
});

}  // namespace

ScriptObserver::ScriptObserver(const CancelToken& cancel, const std::vector<Event>* expected)
    : cancel_(cancel), expected_(expected), outer_(std::exchange(observer, this)) {}

ScriptObserver::~ScriptObserver() { observer = outer_; }

template <class Work>
auto ScriptObserver::guarded(Work work) {
  try {
    return work();
  } catch (...) {
    failure_ = std::current_exception();
    throw;
  }
}

at::Tensor ScriptObserver::tap(const at::Tensor& value, int64_t point) {
  return guarded([&] {
    cancel_.check();
    Event event{point, true, false};
    if (expected_) {
      check(events_.size() < expected_->size() && (*expected_)[events_.size()].point == point, ErrorCode::shape,
            "the model takes another way for these images than at its loading: it has other convolutions to explain");
      event = (*expected_)[events_.size()];
    }
    events_.push_back(event);
    if (replacement_ && replacement_->first + 1 == events_.size()) return replaced(value);
    if (!event.tapped) return value;
    // Before the first tap there is nothing to differentiate: the graph begins here.
    at::Tensor result = c10::GradMode::is_enabled() && !value.requires_grad() && value.is_floating_point() ? asGraphRoot(value) : value;
    record(result, event.changed);
    return result;
  });
}

at::Tensor ScriptObserver::replaced(const at::Tensor& value) const {
  check(replacement_->second.sizes() == value.sizes(), ErrorCode::shape, "values of shape ", replacement_->second.sizes(),
        " cannot stand in a tap's place, whose shape is ", value.sizes());
  return replacement_->second;
}

void ScriptObserver::activated(const at::Tensor& output) {
  guarded([&] {
    if (guided_) guideGradient(output);
  });
}

void ScriptObserver::record(const at::Tensor& value, bool copy) {
  tapped_.push_back(events_.size() - 1);
  versions_.push_back(static_cast<uint32_t>(value._version()));
  taps_.activations.push_back(copy ? value.detach().clone() : value.detach());
  taps_.edges.push_back(value.requires_grad() ? torch::autograd::impl::gradient_edge(value) : torch::autograd::Edge());
}

void ScriptObserver::rethrow() const {
  if (failure_) std::rethrow_exception(failure_);
}

void ScriptObserver::finish() const {
  check(!expected_ || events_.size() == expected_->size(), ErrorCode::shape,
        "the model takes another way for these images than at its loading: it has other convolutions to explain");
}

bool ScriptObserver::markChanged() {
  bool missed = false;
  for (size_t i = 0; i < tapped_.size(); ++i) {
    Event& event = events_[tapped_[i]];
    if (event.changed || static_cast<uint32_t>(taps_.activations[i]._version()) == versions_[i]) continue;
    event.changed = true;
    missed = true;
  }
  return missed;
}

}  // namespace cumulens
