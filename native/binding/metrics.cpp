#include "binding/metrics.h"

#include <ATen/ATen.h>

#include "binding/convert.h"
#include "binding/task.h"
#include "binding/tensor.h"
#include "core/metrics/baselines.h"
#include "core/metrics/bootstrap.h"
#include "core/metrics/map_scores.h"
#include "core/metrics/mask_scores.h"

namespace cumulens {
namespace {

Napi::Value wrapTensor(Napi::Env env, at::Tensor&& tensor) { return TensorHandle::wrap(env, tensor); }
Napi::Value wrapDict(Napi::Env env, StateDict&& tensors) { return fromStateDict(env, tensors); }

Napi::Value scoreMapsCall(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    return runTask(
        info.Env(), CallOptions::from(info[2]),
        [maps = TensorHandle::tensorOf(info[0], "maps"), targets = TensorHandle::tensorOf(info[1], "targets")](const TaskContext&) {
          const MapScores scores = scoreMaps(maps, targets);
          return StateDict{{"mae", scores.mae}, {"psnr", scores.psnr}, {"ssim", scores.ssim}, {"pearson", scores.pearson},
                           {"pearsonUndefined", scores.pearsonUndefined}};
        },
        wrapDict);
  });
}

Napi::Value scoreInMasksCall(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    return runTask(
        info.Env(), CallOptions::from(info[2]),
        [maps = TensorHandle::tensorOf(info[0], "maps"), masks = TensorHandle::tensorOf(info[1], "masks")](const TaskContext&) {
          const MaskScores scores = scoreInMasks(maps, masks);
          return StateDict{{"energyInMask", scores.energyInMask}, {"energyInMaskUndefined", scores.energyUndefined},
                           {"pointingGame", scores.pointingGame}};
        },
        wrapDict);
  });
}

Napi::Value bootstrapMeansCall(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    return runTask(
        info.Env(), CallOptions::from(info[3]),
        [values = TensorHandle::tensorOf(info[0], "values"), resamples = toInteger(info[1], "resamples"),
         seed = static_cast<std::uint64_t>(toInteger(info[2], "seed"))](const TaskContext&) { return bootstrapMeans(values, resamples, seed); },
        wrapTensor);
  });
}

Napi::Value luminanceCall(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    return runTask(
        info.Env(), CallOptions::from(info[1]),
        [images = TensorHandle::tensorOf(info[0], "images")](const TaskContext&) { return luminance(images); }, wrapTensor);
  });
}

Napi::Value applyLinearCall(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    return runTask(
        info.Env(), CallOptions::from(info[2]),
        [weights = TensorHandle::tensorOf(info[0], "weights"), conditions = TensorHandle::tensorOf(info[1], "conditions")](
            const TaskContext&) { return applyLinear(weights, conditions); },
        wrapTensor);
  });
}

/// JavaScript's `LinearFit`: `add(conditions, targets)` as often as needed, then `solve()`.
class LinearFitHandle : public Wrapped<LinearFitHandle> {
 public:
  static constexpr const char* kName = "LinearFit";
  static constexpr napi_type_tag kTag{0x63756d756c656e73, 0x10};

  static void define(Napi::Env env, Napi::Object exports) {
    registerClass(env, exports, DefineClass(env, kName, {InstanceMethod<&LinearFitHandle::add>("add"),
                                                         InstanceMethod<&LinearFitHandle::solve>("solve")}));
  }

  explicit LinearFitHandle(const Napi::CallbackInfo& info)
      : Wrapped(info), fit_(guarded(info.Env(), [&] { return std::make_shared<LinearFit>(toInteger(info[0], "conditions")); })) {}

 private:
  Napi::Value add(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] {
      return runTask(info.Env(), CallOptions::from(info[2]),
                     [fit = fit_, conditions = TensorHandle::tensorOf(info[0], "conditions"),
                      targets = TensorHandle::tensorOf(info[1], "targets")](const TaskContext&) { fit->add(conditions, targets); });
    });
  }

  Napi::Value solve(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] {
      return runTask(
          info.Env(), CallOptions::from(info[0]), [fit = fit_](const TaskContext&) { return fit->solve(); }, wrapTensor);
    });
  }

  std::shared_ptr<LinearFit> fit_;  // touched by the compute thread alone, one task after another
};

}  // namespace

void defineMetrics(Napi::Env env, Napi::Object exports) {
  exports.Set("scoreMaps", Napi::Function::New<scoreMapsCall>(env, "scoreMaps"));
  exports.Set("scoreInMasks", Napi::Function::New<scoreInMasksCall>(env, "scoreInMasks"));
  exports.Set("bootstrapMeans", Napi::Function::New<bootstrapMeansCall>(env, "bootstrapMeans"));
  exports.Set("luminance", Napi::Function::New<luminanceCall>(env, "luminance"));
  exports.Set("applyLinear", Napi::Function::New<applyLinearCall>(env, "applyLinear"));
  LinearFitHandle::define(env, exports);
}

}  // namespace cumulens
