#include "binding/scores.h"

#include <ATen/ATen.h>

#include "binding/cnn.h"
#include "binding/convert.h"
#include "binding/task.h"
#include "binding/tensor.h"
#include "core/metrics/imputation.h"
#include "core/metrics/infidelity.h"
#include "core/metrics/map_statistics.h"
#include "core/metrics/masked_prediction.h"
#include "core/metrics/otsu.h"
#include "core/metrics/pearson.h"
#include "core/metrics/perturbation_curves.h"
#include "core/metrics/road.h"
#include "core/metrics/sensitivity.h"

namespace cumulens {
namespace {

/// What a call says is to be scored, read before the task is queued: { cnn, images, target, maps, batchSize }.
struct GivenScored {
  std::shared_ptr<Cnn> cnn;
  at::Tensor images, target, maps;
  int64_t rows;

  explicit GivenScored(const Options& given)
      : cnn(CnnHandle::cnnOf(given.value("cnn"), "cnn")),
        images(TensorHandle::tensorOf(given.value("images"), "images")),
        target(TensorHandle::tensorOf(given.value("target"), "target")),
        maps(TensorHandle::tensorOf(given.value("maps"), "maps")),
        rows(given.integer("batchSize")) {}

  Scored make(const TaskContext& context) const {
    Scored scored = makeScored(makeSubject(*cnn, images, target, rows, context.token()), maps);
    scored.progress = [&context](int64_t done, int64_t total) {
      context.progress({{"done", static_cast<double>(done)}, {"total", static_cast<double>(total)}});
    };
    return scored;
  }
};

/// Of what is drawn at random.
struct Draws {
  std::uint64_t seed;
  int64_t first;

  explicit Draws(const Options& options) : seed(static_cast<std::uint64_t>(options.integer("seed"))), first(options.integer("first")) {}
};

/// maskedPrediction(scored, call)
Napi::Value maskedPredictionCall(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    return runTask(
        info.Env(), CallOptions::from(info[1]),
        [given = GivenScored(Options(info[0], "scored"))](const TaskContext& context) {
          const MaskedPrediction result = maskedPrediction(given.make(context));
          return StateDict{{"avgDrop", result.drop},
                           {"avgIncrease", result.increase},
                           {"avgGain", result.gain},
                           {"avgDropUndefined", result.dropUndefined},
                           {"avgGainUndefined", result.gainUndefined}};
        },
        fromStateDict);
  });
}

std::vector<CurveOptions> readCurves(const Options& given) {
  std::vector<CurveOptions> curves;
  for (const std::string& name : given.names()) {
    check(name == "deletion" || name == "insertion", ErrorCode::option, "curves: expected deletion or insertion, got '", name, "'");
    curves.push_back({name, name == "insertion", given.string(name)});
  }
  return curves;
}

/// perturbationCurves(scored, { seed, first, steps, curves: { deletion?, insertion? } }, call)
Napi::Value perturbationCurvesCall(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Options options(info[1]);
    return runTask(
        info.Env(), CallOptions::from(info[2]),
        [given = GivenScored(Options(info[0], "scored")), curves = readCurves(options.object("curves")), steps = options.integer("steps"),
         draws = Draws(options)](const TaskContext& context) -> StateDict {
          return perturbationCurves(given.make(context), curves, steps, draws.seed, draws.first);
        },
        fromStateDict);
  });
}

/// road(scored, { seed, first, noise }, call)
Napi::Value roadCall(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Options options(info[1]);
    return runTask(
        info.Env(), CallOptions::from(info[2]),
        [given = GivenScored(Options(info[0], "scored")), noise = options.number("noise"),
         draws = Draws(options)](const TaskContext& context) { return road(given.make(context), noise, draws.seed, draws.first); },
        TensorHandle::wrap);
  });
}

/// imputeMissing(images, missing, call)
Napi::Value imputeMissingCall(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    return runTask(
        info.Env(), CallOptions::from(info[2]),
        [images = TensorHandle::tensorOf(info[0], "images"), missing = TensorHandle::tensorOf(info[1], "missing")](
            const TaskContext& context) { return imputeMissing(images, missing.ge(0.5), context.token()); },
        TensorHandle::wrap);
  });
}

/// infidelity(scored, { seed, first, draws }, call)
Napi::Value infidelityCall(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Options options(info[1]);
    return runTask(
        info.Env(), CallOptions::from(info[2]),
        [given = GivenScored(Options(info[0], "scored")), count = options.integer("draws"),
         draws = Draws(options)](const TaskContext& context) { return infidelity(given.make(context), count, draws.seed, draws.first); },
        TensorHandle::wrap);
  });
}

/// mapStatistics(maps, call)
Napi::Value mapStatisticsCall(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    return runTask(
        info.Env(), CallOptions::from(info[1]),
        [maps = TensorHandle::tensorOf(info[0], "maps")](const TaskContext&) {
          const MapStatistics result = mapStatistics(maps);
          return StateDict{
              {"complexity", result.complexity}, {"sparseness", result.sparseness}, {"sparsenessUndefined", result.sparsenessUndefined}};
        },
        fromStateDict);
  });
}

/// A function of two tensors of maps, (a, b, call).
template <class Score>
Napi::Value onPair(const Napi::CallbackInfo& info, const char* second, Score score) {
  return guarded(info.Env(), [&] {
    return runTask(
        info.Env(), CallOptions::from(info[2]),
        [maps = TensorHandle::tensorOf(info[0], "maps"), others = TensorHandle::tensorOf(info[1], second),
         score](const TaskContext&) -> StateDict { return score(maps, others); },
        fromStateDict);
  });
}

Napi::Value otsuOverlapCall(const Napi::CallbackInfo& info) {
  return onPair(info, "masks", [](const at::Tensor& maps, const at::Tensor& masks) {
    const Overlap result = otsuOverlap(maps, masks);
    return StateDict{{"iou", result.iou}, {"iouUndefined", result.iouUndefined}};
  });
}

Napi::Value correlateMapsCall(const Napi::CallbackInfo& info) {
  return onPair(info, "others", [](const at::Tensor& maps, const at::Tensor& others) {
    const Correlation result = correlateMaps(maps, others);
    return StateDict{{"pearson", result.pearson}, {"pearsonUndefined", result.pearsonUndefined}};
  });
}

Napi::Value mapChangeCall(const Napi::CallbackInfo& info) {
  return onPair(info, "others", [](const at::Tensor& maps, const at::Tensor& others) {
    const MapChange result = mapChange(maps, others);
    return StateDict{{"change", result.change}, {"changeUndefined", result.changeUndefined}};
  });
}

/// maskImages(cnn, images, maps, call)
Napi::Value maskImagesCall(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    return runTask(
        info.Env(), CallOptions::from(info[3]),
        [cnn = CnnHandle::cnnOf(info[0], "cnn"), images = TensorHandle::tensorOf(info[1], "images"),
         maps = TensorHandle::tensorOf(info[2], "maps")](const TaskContext&) { return maskImages(*cnn, images, maps); },
        TensorHandle::wrap);
  });
}

/// shakeImages(images, { seed, first, draw, radius }, call)
Napi::Value shakeImagesCall(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const Options options(info[1]);
    return runTask(
        info.Env(), CallOptions::from(info[2]),
        [images = TensorHandle::tensorOf(info[0], "images"), radius = options.number("radius"), draw = options.integer("draw"),
         draws = Draws(options)](const TaskContext&) { return shakeImages(images, radius, draws.seed, draws.first, draw); },
        TensorHandle::wrap);
  });
}

}  // namespace

void defineScores(Napi::Env env, Napi::Object exports) {
  exports.Set("maskedPrediction", Napi::Function::New<maskedPredictionCall>(env, "maskedPrediction"));
  exports.Set("perturbationCurves", Napi::Function::New<perturbationCurvesCall>(env, "perturbationCurves"));
  exports.Set("road", Napi::Function::New<roadCall>(env, "road"));
  exports.Set("imputeMissing", Napi::Function::New<imputeMissingCall>(env, "imputeMissing"));
  exports.Set("infidelity", Napi::Function::New<infidelityCall>(env, "infidelity"));
  exports.Set("mapStatistics", Napi::Function::New<mapStatisticsCall>(env, "mapStatistics"));
  exports.Set("otsuOverlap", Napi::Function::New<otsuOverlapCall>(env, "otsuOverlap"));
  exports.Set("correlateMaps", Napi::Function::New<correlateMapsCall>(env, "correlateMaps"));
  exports.Set("mapChange", Napi::Function::New<mapChangeCall>(env, "mapChange"));
  exports.Set("maskImages", Napi::Function::New<maskImagesCall>(env, "maskImages"));
  exports.Set("shakeImages", Napi::Function::New<shakeImagesCall>(env, "shakeImages"));
}

}  // namespace cumulens
