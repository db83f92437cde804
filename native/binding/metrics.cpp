#include "binding/metrics.h"

#include <ATen/ATen.h>

#include "binding/convert.h"
#include "binding/task.h"
#include "binding/tensor.h"
#include "core/metrics/baselines.h"
#include "core/metrics/bootstrap.h"
#include "core/metrics/map_scores.h"
#include "core/metrics/mask_scores.h"
#include "core/metrics/running_mean.h"

namespace cumulens {
namespace {

Napi::Value scoreMapsCall(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    return runTask(
        info.Env(), CallOptions::from(info[2]),
        [maps = TensorHandle::tensorOf(info[0], "maps"), targets = TensorHandle::tensorOf(info[1], "targets")](const TaskContext&) {
          const MapScores scores = scoreMaps(maps, targets);
          return StateDict{{"mae", scores.mae},
                           {"psnr", scores.psnr},
                           {"ssim", scores.ssim},
                           {"pearson", scores.pearson},
                           {"pearsonUndefined", scores.pearsonUndefined}};
        },
        fromStateDict);
  });
}

Napi::Value scoreInMasksCall(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    return runTask(
        info.Env(), CallOptions::from(info[2]),
        [maps = TensorHandle::tensorOf(info[0], "maps"), masks = TensorHandle::tensorOf(info[1], "masks")](const TaskContext&) {
          const MaskScores scores = scoreInMasks(maps, masks);
          return StateDict{{"energyInMask", scores.energyInMask},
                           {"energyInMaskUndefined", scores.energyUndefined},
                           {"pointingGame", scores.pointingGame},
                           {"pointingGameUndefined", scores.pointingUndefined}};
        },
        fromStateDict);
  });
}

Napi::Value bootstrapMeansCall(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    return runTask(
        info.Env(), CallOptions::from(info[3]),
        [values = TensorHandle::tensorOf(info[0], "values"), resamples = toInteger(info[1], "resamples"),
         seed = static_cast<std::uint64_t>(toInteger(info[2], "seed"))](const TaskContext&) {
          return bootstrapMeans(values, resamples, seed);
        },
        TensorHandle::wrap);
  });
}

/// bootstrapComparisons(values, resamples, seed, call): { means, differences }
Napi::Value bootstrapComparisonsCall(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    return runTask(
        info.Env(), CallOptions::from(info[3]),
        [values = TensorHandle::tensorOf(info[0], "values"), resamples = toInteger(info[1], "resamples"),
         seed = static_cast<std::uint64_t>(toInteger(info[2], "seed"))](const TaskContext&) {
          const Comparisons comparisons = bootstrapComparisons(values, resamples, seed);
          return StateDict{{"means", comparisons.means}, {"differences", comparisons.differences}};
        },
        fromStateDict);
  });
}

/// runningMean(mean | undefined, count, values, call): Tensor
Napi::Value runningMeanCall(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    return runTask(
        info.Env(), CallOptions::from(info[3]),
        [mean = info[0].IsUndefined() ? at::Tensor() : TensorHandle::tensorOf(info[0], "mean"), count = toInteger(info[1], "count"),
         values = TensorHandle::tensorOf(info[2], "values")](const TaskContext&) { return runningMean(mean, count, values); },
        TensorHandle::wrap);
  });
}

/// baselineMaps({ images, conditions, weights, mean }, { seed, first }, call)
Napi::Value baselineMapsCall(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Options given(info[0], "tensors");
    const Options options(info[1]);
    return runTask(
        info.Env(), CallOptions::from(info[2]),
        [images = TensorHandle::tensorOf(given.value("images"), "images"),
         conditions = TensorHandle::tensorOf(given.value("conditions"), "conditions"),
         weights = TensorHandle::tensorOf(given.value("weights"), "weights"), mean = TensorHandle::tensorOf(given.value("mean"), "mean"),
         seed = static_cast<std::uint64_t>(options.integer("seed")),
         first = options.integer("first")](const TaskContext&) { return baselineMaps(images, conditions, weights, mean, seed, first); },
        fromStateDict);
  });
}

/// JavaScript's `BaselineFit`: `add(conditions, targets)` as often as needed, then `linearWeights()` and `meanTarget()`.
class BaselineFitHandle : public Wrapped<BaselineFitHandle> {
 public:
  static constexpr const char* kName = "BaselineFit";
  static constexpr napi_type_tag kTag{0x63756d756c656e73, 0x10};

  static void define(Napi::Env env, Napi::Object exports) {
    registerClass(
        env, exports,
        DefineClass(env, kName,
                    {InstanceMethod<&BaselineFitHandle::add>("add"), InstanceMethod<&BaselineFitHandle::linearWeights>("linearWeights"),
                     InstanceMethod<&BaselineFitHandle::meanTarget>("meanTarget")}));
  }

  explicit BaselineFitHandle(const Napi::CallbackInfo& info)
      : Wrapped(info), fit_(guarded(info.Env(), [&] { return std::make_shared<BaselineFit>(toInteger(info[0], "conditions")); })) {}

 private:
  Napi::Value add(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] {
      return runTask(info.Env(), CallOptions::from(info[2]),
                     [fit = fit_, conditions = TensorHandle::tensorOf(info[0], "conditions"),
                      targets = TensorHandle::tensorOf(info[1], "targets")](const TaskContext&) { fit->add(conditions, targets); });
    });
  }

  Napi::Value linearWeights(const Napi::CallbackInfo& info) {
    return runTask(
        info.Env(), CallOptions::from(info[0]), [fit = fit_](const TaskContext&) { return fit->linearWeights(); }, TensorHandle::wrap);
  }

  Napi::Value meanTarget(const Napi::CallbackInfo& info) {
    return runTask(
        info.Env(), CallOptions::from(info[0]), [fit = fit_](const TaskContext&) { return fit->meanTarget(); }, TensorHandle::wrap);
  }

  std::shared_ptr<BaselineFit> fit_;  // touched by the compute thread alone, one task after another
};

}  // namespace

void defineMetrics(Napi::Env env, Napi::Object exports) {
  exports.Set("scoreMaps", Napi::Function::New<scoreMapsCall>(env, "scoreMaps"));
  exports.Set("scoreInMasks", Napi::Function::New<scoreInMasksCall>(env, "scoreInMasks"));
  exports.Set("bootstrapMeans", Napi::Function::New<bootstrapMeansCall>(env, "bootstrapMeans"));
  exports.Set("bootstrapComparisons", Napi::Function::New<bootstrapComparisonsCall>(env, "bootstrapComparisons"));
  exports.Set("runningMean", Napi::Function::New<runningMeanCall>(env, "runningMean"));
  exports.Set("baselineMaps", Napi::Function::New<baselineMapsCall>(env, "baselineMaps"));
  BaselineFitHandle::define(env, exports);
}

}  // namespace cumulens
