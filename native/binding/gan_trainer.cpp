#include "binding/gan_trainer.h"

#include "binding/convert.h"
#include "binding/discriminator.h"
#include "binding/generator.h"
#include "binding/task.h"
#include "binding/tensor.h"
#include "core/gan/sample_grid.h"
#include "core/runtime/device.h"

#include <cmath>

namespace cumulens {
namespace {

AdamOptions readAdam(const Options& options) {
  return {options.number("learningRate"), options.number("beta1"), options.number("beta2"), options.number("epsilon"), 0.0};
}

GanTrainerConfig readConfig(const Options& options) {
  GanTrainerConfig config;
  config.generator = readGeneratorConfig(options.object("generator"));
  config.discriminator = readDiscriminatorConfig(options.object("discriminator"));
  config.seed = static_cast<uint64_t>(options.integer("seed"));
  config.batch = {options.integer("batchSize"), config.generator.outputChannels, options.flag("flips"), config.seed};
  config.generatorAdam = readAdam(options.object("generatorAdam"));
  config.discriminatorAdam = readAdam(options.object("discriminatorAdam"));
  config.l1Weight = options.number("l1Weight");
  config.discriminatorWeight = options.number("discriminatorWeight");
  config.discriminatorEvery = options.integer("discriminatorEvery");
  config.separateDiscriminatorSteps = options.flag("separateDiscriminatorSteps");
  config.emaDecay = options.number("emaDecay");
  config.schedule = {options.integer("warmup"), options.integer("decaySteps"), options.number("finalRate")};
  config.bfloat16 = options.flag("bfloat16");
  return config;
}

std::shared_ptr<const ShardSet> readShards(const Napi::Value& value, const std::string& what) {
  if (!value.IsArray()) throw makeError(value.Env(), ErrorCode::option, text(what, ": expected an array of shards"));
  const auto array = value.As<Napi::Array>();
  std::vector<StateDict> shards;
  for (uint32_t i = 0; i < array.Length(); ++i) shards.push_back(toStateDict(array.Get(i), text(what, "[", i, "]")));
  return std::make_shared<const ShardSet>(std::move(shards));
}

/// createGanTrainer(config, device, shards, call): a trainer at step 0.
Napi::Value createGanTrainer(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    return runTask(
        info.Env(), CallOptions::from(info[3]),
        [config = readConfig(Options(info[0], "training")), device = resolveDevice(toString(info[1], "device")),
         data = readShards(info[2], "data")](const TaskContext&) { return std::make_shared<GanTrainer>(config, data, device); },
        [](Napi::Env env, std::shared_ptr<GanTrainer>&& trainer) {
          return Environment::of(env)
              .getClass(GanTrainerHandle::kName)
              .New({Napi::External<std::shared_ptr<GanTrainer>>::New(env, &trainer)});
        });
  });
}

/// [{ generatorLoss, … }, …], one a step; what is undefined at a step (NaN) is null.
Napi::Array toEvents(Napi::Env env, const at::Tensor& rows) {
  const auto values = rows.accessor<double, 2>();
  Napi::Array events = Napi::Array::New(env, static_cast<size_t>(rows.size(0)));
  for (int64_t i = 0; i < rows.size(0); ++i) {
    Napi::Object event = Napi::Object::New(env);
    for (size_t j = 0; j < GanTrainer::kMetrics.size(); ++j) {
      const double value = values[i][static_cast<int64_t>(j)];
      event.Set(GanTrainer::kMetrics[j], std::isnan(value) ? env.Null() : Napi::Number::New(env, value));
    }
    events.Set(static_cast<uint32_t>(i), event);
  }
  return events;
}

}  // namespace

void GanTrainerHandle::define(Napi::Env env, Napi::Object exports) {
  registerClass(
      env, exports,
      DefineClass(env, kName,
                  {InstanceMethod<&GanTrainerHandle::dispose>("dispose"), InstanceMethod<&GanTrainerHandle::run>("run"),
                   InstanceMethod<&GanTrainerHandle::validate>("validate"), InstanceMethod<&GanTrainerHandle::state>("state"),
                   InstanceMethod<&GanTrainerHandle::restore>("restore"), InstanceMethod<&GanTrainerHandle::sampleGrid>("sampleGrid")}));
  exports.Set("createGanTrainer", Napi::Function::New<createGanTrainer>(env, "createGanTrainer"));
}

GanTrainerHandle::GanTrainerHandle(const Napi::CallbackInfo& info) : Wrapped(info) {
  if (!info[0].IsExternal()) throw makeError(info.Env(), ErrorCode::option, "GanTrainer has no public constructor; use trainGan");
  trainer_ = *info[0].As<Napi::External<std::shared_ptr<GanTrainer>>>().Data();
}

std::shared_ptr<GanTrainer> GanTrainerHandle::live(Napi::Env env) const {
  if (!trainer_) throw makeError(env, ErrorCode::disposed, "this GanTrainer was disposed of");
  return trainer_;
}

Napi::Value GanTrainerHandle::dispose(const Napi::CallbackInfo& info) {
  // What it holds is given back on the compute thread, after the work that is queued before.
  return runTask(info.Env(), CallOptions{}, [trainer = std::move(trainer_)](const TaskContext&) mutable { trainer.reset(); });
}

/// run(steps, call): promise of the metrics of the steps done; fewer than asked for when the call was cancelled.
Napi::Value GanTrainerHandle::run(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    return runTask(
        info.Env(), CallOptions::from(info[1]),
        [trainer = live(info.Env()), steps = toInteger(info[0], "steps")](const TaskContext& context) {
          return trainer->run(steps, context.token());
        },
        [](Napi::Env env, at::Tensor&& rows) { return toEvents(env, rows); });
  });
}

/// validate(shards, call): promise of the mean absolute error on them.
Napi::Value GanTrainerHandle::validate(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    return runTask(
        info.Env(), CallOptions::from(info[1]),
        [trainer = live(info.Env()), data = readShards(info[0], "data")](const TaskContext& context) {
          return trainer->validate(data, context.token());
        },
        [](Napi::Env env, double error) -> Napi::Value { return Napi::Number::New(env, error); });
  });
}

/// state(call): promise of { generator, ema?, discriminator, optimizer }, each { name: Tensor }, copies.
Napi::Value GanTrainerHandle::state(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    using Named = std::map<std::string, StateDict>;
    return runTask(
        info.Env(), CallOptions::from(info[0]),
        [trainer = live(info.Env())](const TaskContext&) {
          Named state{{"generator", trainer->generator().parameters().state()},
                      {"discriminator", trainer->discriminator().parameters().state()},
                      {"optimizer", trainer->optimizerState()}};
          if (trainer->average()) state.emplace("ema", trainer->average()->parameters().state());
          return state;
        },
        [](Napi::Env env, Named&& state) -> Napi::Value {
          Napi::Object object = Napi::Object::New(env);
          for (const auto& [name, tensors] : state) object.Set(name, fromStateDict(env, tensors));
          return object;
        });
  });
}

/// restore(step, { generator, ema?, discriminator, optimizer }, call).
Napi::Value GanTrainerHandle::restore(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Options state(info[1], "state");
    const auto read = [&](const char* name) { return toStateDict(state.value(name), name); };
    return runTask(
        info.Env(), CallOptions::from(info[2]),
        [trainer = live(info.Env()), step = toInteger(info[0], "step"), generator = read("generator"),
         average = state.has("ema") ? read("ema") : StateDict(), discriminator = read("discriminator"),
         optimizer = read("optimizer")](const TaskContext&) { trainer->restore(step, generator, average, discriminator, optimizer); });
  });
}

/// sampleGrid(image, conditions, target, call): uint8 RGB [H,W,3], a row a sample: image | conditions | target | generated.
Napi::Value GanTrainerHandle::sampleGrid(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    return runTask(
        info.Env(), CallOptions::from(info[3]),
        [trainer = live(info.Env()), image = TensorHandle::tensorOf(info[0], "image"),
         conditions = TensorHandle::tensorOf(info[1], "conditions"), target = TensorHandle::tensorOf(info[2], "target")](
            const TaskContext& context) { return cumulens::sampleGrid(trainer->best(), image, conditions, target, context.token()); },
        [](Napi::Env env, at::Tensor&& grid) { return TensorHandle::wrap(env, grid); });
  });
}

}  // namespace cumulens
