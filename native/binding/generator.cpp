#include "binding/generator.h"

#include <torch/csrc/autograd/autograd.h>

#include "binding/network.h"
#include "binding/task.h"
#include "binding/tensor.h"
#include "core/gan/gradients.h"
#include "core/gan/relevance.h"
#include "core/maps/colormap.h"

namespace cumulens {
namespace {

/// createGenerator(config, { device, dtype, seed }, weights | undefined, call): weights drawn from the seed, or copied from `weights`.
Napi::Value createGenerator(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const GeneratorConfig config = readGeneratorConfig(Options(info[0], "generator"));
    return createNetwork<GeneratorHandle, Generator>(info, [config](std::uint64_t seed, const at::TensorOptions& placement) {
      return std::shared_ptr<Generator>(Generator::create(config, seed, placement));
    });
  });
}

/// colourise(maps, name, call): uint8 or float in [0,1] [N,1,H,W] → uint8 [N,3,H,W].
Napi::Value colouriseCall(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    return runTask(
        info.Env(), CallOptions::from(info[2]),
        [maps = TensorHandle::tensorOf(info[0], "maps"), colormap = colormapFromName(toString(info[1], "colormap"))](const TaskContext&) {
          return colourise(toBytes(maps), colormap);
        },
        [](Napi::Env env, at::Tensor&& colours) { return TensorHandle::wrap(env, colours); });
  });
}

}  // namespace

GeneratorConfig readGeneratorConfig(const Options& options) {
  const std::string variant = options.string("variant");
  check(variant == "gsft" || variant == "lsft", ErrorCode::option, "variant '", variant, "' is not one of gsft, lsft");
  return {variant == "gsft" ? Variant::gsft : Variant::lsft,
          options.integer("conditions"),
          options.integer("blocks"),
          options.integer("width"),
          options.integer("conditionWidth"),
          options.integer("conditionFeatures"),
          options.integer("outputChannels")};
}

void GeneratorHandle::define(Napi::Env env, Napi::Object exports) {
  registerClass(env, exports,
                DefineClass(env, kName,
                            {InstanceAccessor<&GeneratorHandle::disposed>("disposed"), InstanceMethod<&GeneratorHandle::dispose>("dispose"),
                             InstanceAccessor<&GeneratorHandle::parameterCount>("parameterCount"),
                             InstanceMethod<&GeneratorHandle::stateDict>("stateDict"), InstanceMethod<&GeneratorHandle::explain>("explain"),
                             InstanceMethod<&GeneratorHandle::gradients>("gradients"),
                             InstanceMethod<&GeneratorHandle::replacementRelevance>("replacementRelevance"),
                             InstanceMethod<&GeneratorHandle::gradientRelevance>("gradientRelevance")}));
  exports.Set("createGenerator", Napi::Function::New<createGenerator>(env, "createGenerator"));
  exports.Set("colourise", Napi::Function::New<colouriseCall>(env, "colourise"));
}

GeneratorHandle::GeneratorHandle(const Napi::CallbackInfo& info) : Wrapped(info) {
  if (!info[0].IsExternal()) {
    throw makeError(info.Env(), ErrorCode::option, "Generator has no public constructor; use Generator.create or Generator.load");
  }
  generator_ = *info[0].As<Napi::External<std::shared_ptr<Generator>>>().Data();
}

std::shared_ptr<Generator> GeneratorHandle::live(Napi::Env env) const {
  if (!generator_) throw makeError(env, ErrorCode::disposed, "this Generator was disposed of");
  return generator_;
}

Napi::Value GeneratorHandle::disposed(const Napi::CallbackInfo& info) { return Napi::Boolean::New(info.Env(), !generator_); }

Napi::Value GeneratorHandle::dispose(const Napi::CallbackInfo& info) {
  generator_.reset();
  return info.Env().Undefined();
}

Napi::Value GeneratorHandle::parameterCount(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(live(info.Env())->parameters().count()));
}

/// stateDict(call): promise of { name: Tensor }, copies.
Napi::Value GeneratorHandle::stateDict(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    return runTask(
        info.Env(), CallOptions::from(info[0]),
        [generator = live(info.Env())](const TaskContext&) { return generator->parameters().state(); },
        [](Napi::Env env, StateDict&& state) { return fromStateDict(env, state); });
  });
}

/// explain(images, conditions, { raw, batchSize }, call): Tensor.
Napi::Value GeneratorHandle::explain(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Options options(info[2]);
    return runTask(
        info.Env(), CallOptions::from(info[3]),
        [generator = live(info.Env()), images = TensorHandle::tensorOf(info[0], "images"),
         conditions = TensorHandle::tensorOf(info[1], "conditions"), raw = options.flag("raw"), batch = options.integer("batchSize")](
            const TaskContext& context) { return generator->explain(images, conditions, raw, batch, context.token()); },
        [](Napi::Env env, at::Tensor&& maps) { return TensorHandle::wrap(env, maps); });
  });
}

/// gradients(images, conditions, target, call): { output, l1, images, conditions, parameters }.
Napi::Value GeneratorHandle::gradients(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    return runTask(
        info.Env(), CallOptions::from(info[3]),
        [generator = live(info.Env()), images = TensorHandle::tensorOf(info[0], "images"),
         conditions = TensorHandle::tensorOf(info[1], "conditions"), target = TensorHandle::tensorOf(info[2], "target")](
            const TaskContext& context) { return l1Gradients(*generator, images, conditions, target, context.token()); },
        [](Napi::Env env, L1Gradients&& result) -> Napi::Value {
          Napi::Object object = Napi::Object::New(env);
          object.Set("output", TensorHandle::wrap(env, result.output));
          object.Set("l1", TensorHandle::wrap(env, result.l1));
          object.Set("images", TensorHandle::wrap(env, result.images));
          object.Set("conditions", TensorHandle::wrap(env, result.conditions));
          object.Set("parameters", fromStateDict(env, result.parameters));
          return object;
        });
  });
}

/// replacementRelevance(images, conditions, replacements, { batchSize }, call): Tensor [N,P].
Napi::Value GeneratorHandle::replacementRelevance(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    return runTask(
        info.Env(), CallOptions::from(info[4]),
        [generator = live(info.Env()), images = TensorHandle::tensorOf(info[0], "images"),
         conditions = TensorHandle::tensorOf(info[1], "conditions"), replacements = TensorHandle::tensorOf(info[2], "replacements"),
         batch = Options(info[3]).integer("batchSize")](const TaskContext& context) {
          return cumulens::replacementRelevance(*generator, images, conditions, replacements, batch, context.token());
        },
        [](Napi::Env env, at::Tensor&& relevance) { return TensorHandle::wrap(env, relevance); });
  });
}

/// gradientRelevance(images, conditions, { batchSize }, call): Tensor [N,P].
Napi::Value GeneratorHandle::gradientRelevance(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    return runTask(
        info.Env(), CallOptions::from(info[3]),
        [generator = live(info.Env()), images = TensorHandle::tensorOf(info[0], "images"),
         conditions = TensorHandle::tensorOf(info[1], "conditions"), batch = Options(info[2]).integer("batchSize")](
            const TaskContext& context) { return cumulens::gradientRelevance(*generator, images, conditions, batch, context.token()); },
        [](Napi::Env env, at::Tensor&& relevance) { return TensorHandle::wrap(env, relevance); });
  });
}

}  // namespace cumulens
