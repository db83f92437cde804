#include "binding/passes.h"

#include "binding/cnn.h"
#include "binding/convert.h"
#include "binding/task.h"
#include "binding/tensor.h"
#include "core/cnn/tap_gradients.h"
#include "core/cnn/target.h"

#include <c10/core/GradMode.h>

#include <utility>

namespace cumulens {
namespace {

/// The least that one pass to the taps can do, whatever is made of them: a tap's value is held until its gradient has come, and a gradient
/// until the next; what else memory holds is autograd's own.
void passThroughTaps(const Cnn& cnn, const at::Tensor& images, const std::vector<bool>& taps, const CancelToken& cancel) {
  TappedForward forward = cnn.forwardWithTaps(cnn.preprocess(images), taps, cancel);
  const auto score = [&] {
    const c10::AutoGradMode grad(true);
    const at::Tensor logits = std::exchange(forward.logits, {});
    return targetScores(logits, logits.argmax(1)).sum();
  };
  visitTapGradients(forward.edges, score(), [&](size_t tap, const at::Tensor&) {
    cancel.check();
    forward.activations[tap].reset();
  });
}

/// tapGradients(cnn, images, tap | undefined, call): one forward and one backward pass to one tap or to all.
Napi::Value tapGradients(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const auto cnn = CnnHandle::cnnOf(info[0], "cnn");
    const auto count = static_cast<int64_t>(cnn->tapCount());
    std::vector<bool> taps(cnn->tapCount(), info[2].IsUndefined());
    if (!info[2].IsUndefined()) {
      const int64_t tap = toInteger(info[2], "tap");
      check(tap >= 0 && tap < count, ErrorCode::option, "tap must lie in 0 … ", count - 1, ", got ", tap);
      taps[static_cast<size_t>(tap)] = true;
    }
    return runTask(info.Env(), CallOptions::from(info[3]),
                   [cnn, images = TensorHandle::tensorOf(info[1], "images"), taps = std::move(taps)](const TaskContext& context) {
                     passThroughTaps(*cnn, images, taps, context.token());
                   });
  });
}

}  // namespace

void definePasses(Napi::Env env, Napi::Object exports) {
  exports.Set("tapGradients", Napi::Function::New<tapGradients>(env, "tapGradients"));
}

}  // namespace cumulens
