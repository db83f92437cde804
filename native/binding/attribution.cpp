#include "binding/attribution.h"

#include <ATen/ATen.h>

#include <functional>

#include "binding/cnn.h"
#include "binding/convert.h"
#include "binding/task.h"
#include "binding/tensor.h"
#include "core/attribution/backprop.h"
#include "core/attribution/channel_perturbation.h"
#include "core/attribution/image_baselines.h"
#include "core/attribution/perturbation.h"
#include "core/attribution/taps.h"
#include "core/maps/normalise.h"
#include "core/metrics/baselines.h"
#include "core/runtime/device.h"

namespace cumulens {
namespace {

bool readsProbability(const Options& options) {
  const std::string score = options.string("score");
  check(score == "logit" || score == "probability", ErrorCode::option, "score: expected logit or probability, got '", score, "'");
  return score == "probability";
}

Reduction readReduction(const Options& options) { return reductionFromName(options.string("reduction")); }

/// Maps [N,h,w] as methods give them: float32 [N,1,H,W] in [0,1], or `raw` only resized, in the CNN's dtype.
at::Tensor finished(const at::Tensor& maps, std::array<int64_t, 2> size, bool raw) {
  return raw ? resizeMaps(maps, size).unsqueeze(1) : resizeAndNormalise(maps, size).unsqueeze(1).to(at::kFloat);
}

using Method = std::function<at::Tensor(const Subject&)>;
/// A method with its settings.
using ReadMethod = Method (*)(const Options&);

struct NamedMethod {
  const char* name;
  ReadMethod read;
};

const NamedMethod kMethods[] = {
    {"tapMap",
     [](const Options& options) -> Method {
       return [method = options.string("method"), tap = options.integer("tap")](const Subject& s) { return tapMap(s, method, tap); };
     }},
    {"fused",
     [](const Options& options) -> Method {
       return [method = options.string("method")](const Subject& s) { return fusedMap(s, method); };
     }},
    {"winsorCam",
     [](const Options& options) -> Method {
       return [percentile = options.number("percentile"), least = options.number("least")](const Subject& s) {
         return winsorMap(s, percentile, least);
       };
     }},
    {"scoreCam",
     [](const Options& options) -> Method {
       const ScoreCamOptions masked{options.integer("tap"), options.string("baseline"), options.integer("channels")};
       return [masked](const Subject& s) { return scoreCam(s, masked); };
     }},
    {"ablationCam",
     [](const Options& options) -> Method { return [tap = options.integer("tap")](const Subject& s) { return ablationCam(s, tap); }; }},
    {"saliency",
     [](const Options& options) -> Method {
       return [reduction = readReduction(options)](const Subject& s) { return saliency(s, reduction); };
     }},
    {"guidedBackprop",
     [](const Options& options) -> Method {
       return [reduction = readReduction(options)](const Subject& s) { return guidedBackprop(s, reduction); };
     }},
    {"guidedGradCam",
     [](const Options& options) -> Method {
       return [reduction = readReduction(options), tap = options.integer("tap")](const Subject& s) {
         return guidedGradCam(s, reduction, tap);
       };
     }},
    {"integratedGradients",
     [](const Options& options) -> Method {
       return [reduction = readReduction(options), steps = options.integer("steps"),
               baseline = options.string("baseline")](const Subject& s) { return integratedGradients(s, reduction, steps, baseline); };
     }},
    {"smoothGrad",
     [](const Options& options) -> Method {
       const SmoothGradOptions smooth{options.integer("samples"), options.number("noise"),
                                      static_cast<std::uint64_t>(options.integer("seed")), options.integer("first")};
       return [reduction = readReduction(options), smooth](const Subject& s) { return smoothGrad(s, reduction, smooth); };
     }},
    {"occlusion",
     [](const Options& options) -> Method {
       const OcclusionOptions occluded{options.integer("window"), options.integer("stride"), options.string("baseline"),
                                       readsProbability(options), options.flag("positive")};
       return [occluded](const Subject& s) { return occlusion(s, occluded); };
     }},
    {"rise",
     [](const Options& options) -> Method {
       const RiseOptions masked{options.integer("masks"),   options.integer("grid"),   options.number("keep"),
                                options.string("baseline"), readsProbability(options), static_cast<std::uint64_t>(options.integer("seed"))};
       return [masked](const Subject& s) { return rise(s, masked); };
     }},
};

/// method({ cnn, images, target, batchSize }, { …settings, raw? }, call): Tensor.
Napi::Value explainCall(const Napi::CallbackInfo& info, ReadMethod read) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Options subject(info[0], "subject"), options(info[1]);
    return runTask(
        info.Env(), CallOptions::from(info[2]),
        [cnn = CnnHandle::cnnOf(subject.value("cnn")), images = TensorHandle::tensorOf(subject.value("images"), "images"),
         target = TensorHandle::tensorOf(subject.value("target"), "target"), rows = subject.integer("batchSize"), method = read(options),
         raw = options.has("raw") && options.flag("raw")](const TaskContext& context) {
          const Subject explained = makeSubject(*cnn, images, target, rows, context.token());
          return finished(method(explained), explained.size(), raw);
        },
        TensorHandle::wrap);
  });
}

/// imageBaseline(images, { name, seed, first, device }, call): Tensor
Napi::Value imageBaselineCall(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Options options(info[1]);
    return runTask(
        info.Env(), CallOptions::from(info[2]),
        [images = TensorHandle::tensorOf(info[0], "images"), name = options.string("name"),
         device = resolveDevice(options.string("device")), seed = static_cast<std::uint64_t>(options.integer("seed")),
         first = options.integer("first")](const TaskContext&) {
          check(images.dim() == 4, ErrorCode::shape, "images must be [N, C, H, W], got ", images.sizes());
          const std::array<int64_t, 2> size{images.size(2), images.size(3)};
          const auto draw = [&] {
            if (name == "luminance") return luminance(images.to(device));
            if (name == "sobel") return sobel(images.to(device));
            check(name == "random", ErrorCode::option, "image baseline: expected luminance, sobel or random, got '", name, "'");
            return randomMaps(images.size(0), size, seed, first, device);
          };
          return finished(draw().squeeze(1), size, false);
        },
        TensorHandle::wrap);
  });
}

/// linearMap(conditions, weights, call): Tensor float32 [N,1,S,S]
Napi::Value linearMapCall(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    return runTask(
        info.Env(), CallOptions::from(info[2]),
        [conditions = TensorHandle::tensorOf(info[0], "conditions"),
         weights = TensorHandle::tensorOf(info[1], "weights")](const TaskContext&) { return applyLinear(weights, conditions); },
        TensorHandle::wrap);
  });
}

/// resizeMaps(maps [N,1,h,w], { size, device }, call): Tensor float32 [N,1,…size] in [0,1]
Napi::Value resizeMapsCall(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Options options(info[1]);
    return runTask(
        info.Env(), CallOptions::from(info[2]),
        [maps = TensorHandle::tensorOf(info[0], "maps"), size = options.size("size"),
         device = resolveDevice(options.string("device"))](const TaskContext&) {
          check(maps.dim() == 4 && maps.size(1) == 1 && maps.is_floating_point(), ErrorCode::shape,
                "maps must be floating [N, 1, h, w], got ", maps.sizes());
          return resizeMaps(maps.squeeze(1), size).unsqueeze(1).clamp(0, 1).to(device, at::kFloat);
        },
        TensorHandle::wrap);
  });
}

}  // namespace

void defineAttribution(Napi::Env env, Napi::Object exports) {
  Napi::Object attribution = Napi::Object::New(env);
  for (const NamedMethod& method : kMethods) {
    attribution.Set(method.name,
                    Napi::Function::New(
                        env, [read = method.read](const Napi::CallbackInfo& info) { return explainCall(info, read); }, method.name));
  }
  attribution.Set("imageBaseline", Napi::Function::New<imageBaselineCall>(env, "imageBaseline"));
  attribution.Set("linearMap", Napi::Function::New<linearMapCall>(env, "linearMap"));
  attribution.Set("resizeMaps", Napi::Function::New<resizeMapsCall>(env, "resizeMaps"));
  exports.Set("attribution", attribution);
}

}  // namespace cumulens
