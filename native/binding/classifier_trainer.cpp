#include "binding/classifier_trainer.h"

#include "binding/cnn.h"
#include "binding/convert.h"
#include "binding/task.h"
#include "binding/tensor.h"
#include "core/cnn/classifier_trainer.h"

namespace cumulens {
namespace {

ClassifierOptions readOptions(const Options& given) {
  ClassifierOptions options;
  options.batchSize = given.integer("batchSize");
  options.totalSteps = given.integer("totalSteps");
  options.warmupSteps = given.integer("warmupSteps");
  options.adam = given.string("optimizer") == "adam";
  options.learningRate = given.number("learningRate");
  options.momentum = given.number("momentum");
  options.nesterov = given.flag("nesterov");
  options.beta1 = given.number("beta1");
  options.beta2 = given.number("beta2");
  options.epsilon = given.number("epsilon");
  options.weightDecay = given.number("weightDecay");
  options.labelSmoothing = given.number("labelSmoothing");
  options.augment.flip = given.flag("flip");
  options.augment.cropPadding = given.integer("cropPadding");
  options.frozen = given.strings("frozen");
  options.seed = static_cast<uint64_t>(given.integer("seed"));
  return options;
}

Napi::Array toArray(Napi::Env env, const std::vector<double>& values) {
  Napi::Array array = Napi::Array::New(env, values.size());
  for (uint32_t i = 0; i < values.size(); ++i) array.Set(i, values[i]);
  return array;
}

/// [{ name: Tensor }, …], one a shard.
std::shared_ptr<const ShardSet> readShards(const Napi::Value& value) {
  Napi::Object holder = Napi::Object::New(value.Env());
  holder.Set("shards", value);
  std::vector<StateDict> shards;
  for (const Options& shard : Options(holder, "data").objects("shards")) {
    StateDict& tensors = shards.emplace_back();
    for (const std::string& name : shard.names()) tensors[name] = TensorHandle::tensorOf(shard.value(name), "data." + name);
  }
  return std::make_shared<const ShardSet>(std::move(shards));
}

/// JavaScript's native `ClassifierTrainer`. Its trainer is made, used and released on the compute thread's terms: shared with queued work.
class TrainerHandle : public Wrapped<TrainerHandle> {
 public:
  static constexpr const char* kName = "ClassifierTrainer";
  static constexpr napi_type_tag kTag{0x63756d756c656e73, 0x21};

  static void define(Napi::Env env, Napi::Object exports) {
    registerClass(
        env, exports,
        DefineClass(env, kName,
                    {InstanceMethod<&TrainerHandle::train>("train"), InstanceMethod<&TrainerHandle::stateDict>("stateDict"),
                     InstanceMethod<&TrainerHandle::loadStateDict>("loadStateDict"), InstanceMethod<&TrainerHandle::dispose>("dispose")}));
  }

  explicit TrainerHandle(const Napi::CallbackInfo& info) : Wrapped(info) {
    if (!info[0].IsExternal()) throw makeError(info.Env(), ErrorCode::option, "ClassifierTrainer has no public constructor");
    trainer_ = *info[0].As<Napi::External<std::shared_ptr<ClassifierTrainer>>>().Data();
  }

 private:
  std::shared_ptr<ClassifierTrainer> live(Napi::Env env) const {
    if (!trainer_) throw makeError(env, ErrorCode::disposed, "this ClassifierTrainer was disposed of");
    return trainer_;
  }

  /// train(steps, call): { loss, accuracy }, a number a step; fewer than asked for when cancelled.
  Napi::Value train(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      return runTask(
          info.Env(), CallOptions::from(info[1]),
          [trainer = live(info.Env()), steps = toInteger(info[0], "steps")](const TaskContext& context) {
            return trainer->train(steps, context.token());
          },
          [](Napi::Env env, TrainChunk&& chunk) -> Napi::Value {
            Napi::Object object = Napi::Object::New(env);
            object.Set("loss", toArray(env, chunk.loss));
            object.Set("accuracy", toArray(env, chunk.accuracy));
            return object;
          });
    });
  }

  /// stateDict(call): promise of { name: Tensor }, copies: later steps do not show in them.
  Napi::Value stateDict(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      return runTask(
          info.Env(), CallOptions::from(info[0]),
          [trainer = live(info.Env())](const TaskContext&) {
            StateDict state = trainer->stateDict();
            for (auto& [name, tensor] : state) tensor = tensor.detach().clone();
            return state;
          },
          [](Napi::Env env, StateDict&& state) { return fromStateDict(env, state); });
    });
  }

  Napi::Value loadStateDict(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      return runTask(info.Env(), CallOptions::from(info[1]),
                     [trainer = live(info.Env()), state = toStateDict(info[0])](const TaskContext&) { trainer->loadStateDict(state); });
    });
  }

  Napi::Value dispose(const Napi::CallbackInfo& info) {
    trainer_.reset();
    return info.Env().Undefined();
  }

  std::shared_ptr<ClassifierTrainer> trainer_;
};

/// createClassifierTrainer(cnn, shards, samples, options, call)
Napi::Value createClassifierTrainer(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    return runTask(
        info.Env(), CallOptions::from(info[4]),
        [cnn = CnnHandle::graphOf(info[0]), data = readShards(info[1]), samples = TensorHandle::tensorOf(info[2], "samples"),
         options = readOptions(Options(info[3]))](const TaskContext&) {
          return std::make_shared<ClassifierTrainer>(cnn, data, samples, options);
        },
        [](Napi::Env env, std::shared_ptr<ClassifierTrainer>&& trainer) {
          auto external = Napi::External<std::shared_ptr<ClassifierTrainer>>::New(env, &trainer);
          return Environment::of(env).getClass(TrainerHandle::kName).New({external});
        });
  });
}

/// evaluateClassifier(cnn, shards, samples, { batchSize }, call): { loss, accuracy, count }
Napi::Value evaluateClassifierCall(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    return runTask(
        info.Env(), CallOptions::from(info[4]),
        [cnn = CnnHandle::cnnOf(info[0]), data = readShards(info[1]), samples = TensorHandle::tensorOf(info[2], "samples"),
         batchSize = Options(info[3]).integer("batchSize")](const TaskContext& context) {
          return evaluateClassifier(*cnn, *data, samples, batchSize, context.token());
        },
        [](Napi::Env env, Evaluation&& evaluation) -> Napi::Value {
          Napi::Object object = Napi::Object::New(env);
          object.Set("loss", evaluation.loss);
          object.Set("accuracy", evaluation.accuracy);
          object.Set("count", static_cast<double>(evaluation.count));
          return object;
        });
  });
}

}  // namespace

void defineClassifierTrainer(Napi::Env env, Napi::Object exports) {
  TrainerHandle::define(env, exports);
  exports.Set("createClassifierTrainer", Napi::Function::New<createClassifierTrainer>(env, "createClassifierTrainer"));
  exports.Set("evaluateClassifier", Napi::Function::New<evaluateClassifierCall>(env, "evaluateClassifier"));
}

}  // namespace cumulens
