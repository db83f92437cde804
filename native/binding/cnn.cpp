#include "binding/cnn.h"

#include "binding/cnn_options.h"
#include "binding/task.h"
#include "binding/tensor.h"
#include "core/cnn/gradients.h"
#include "core/maps/cumulative.h"
#include "core/runtime/device.h"

namespace cumulens {
namespace {

void setTensor(Napi::Object& object, const char* name, const at::Tensor& tensor) {
  if (tensor.defined()) object.Set(name, TensorHandle::wrap(object.Env(), tensor));
}

/// createCnn(spec, { device, dtype, seed? }, call): weights drawn from the seed; without one they are zeros, to be loaded.
Napi::Value createCnn(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const CnnSpec spec = readCnnSpec(Options(info[0], "spec"));
    const Options options(info[1]);
    const auto device = resolveDevice(options.string("device"));
    const auto dtype = dtypeFromName(options.string("dtype"));
    const auto seed = options.has("seed") ? std::optional(static_cast<uint64_t>(options.integer("seed"))) : std::nullopt;
    return runTask(
        info.Env(), CallOptions::from(info[2]),
        [spec, device, dtype, seed](const TaskContext&) {
          return std::static_pointer_cast<Cnn>(std::make_shared<GraphCnn>(spec, device, dtype, seed));
        },
        [](Napi::Env env, std::shared_ptr<Cnn>&& cnn) { return CnnHandle::wrap(env, std::move(cnn)); });
  });
}

Napi::Array toJs(Napi::Env env, const Shape& shape) {
  Napi::Array array = Napi::Array::New(env);
  for (const int64_t size : shape) array.Set(array.Length(), static_cast<double>(size));
  return array;
}

Napi::Object shapesOf(Napi::Env env, const std::map<std::string, at::Tensor>& tensors) {
  Napi::Object all = Napi::Object::New(env);
  for (const auto& [name, tensor] : tensors) all.Set(name, toJs(env, tensor.sizes().vec()));
  return all;
}

/// weightShapes(spec): { name: shape }, as a CNN of this spec has them. No memory is taken for any.
Napi::Value weightShapes(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const GraphCnn cnn(readCnnSpec(Options(info[0], "spec")), c10::Device(c10::kMeta), at::kFloat, std::nullopt);
    return shapesOf(info.Env(), cnn.stateDict());
  });
}

/// loadScript(archive, { input: { channels?, height, width }, preprocessing, device, dtype }, call): a TorchScript model from its bytes.
Napi::Value loadScript(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Options options(info[1]), input = options.object("input");
    ScriptOptions script;
    if (input.has("channels")) script.channels = input.integer("channels");
    script.height = input.integer("height");
    script.width = input.integer("width");
    script.preprocessing = readPreprocessing(options.object("preprocessing"));
    script.device = resolveDevice(options.string("device"));
    script.dtype = dtypeFromName(options.string("dtype"));
    return runTask(
        info.Env(), CallOptions::from(info[2]),
        [archive = TensorHandle::tensorOf(info[0], "archive"), script](const TaskContext& context) {
          return std::static_pointer_cast<Cnn>(std::make_shared<ScriptCnn>(archive, script, context.token()));
        },
        [](Napi::Env env, std::shared_ptr<Cnn>&& cnn) { return CnnHandle::wrap(env, std::move(cnn)); });
  });
}

Napi::Value toJs(Napi::Env env, const Explanation& explanation) {
  Napi::Object object = Napi::Object::New(env);
  setTensor(object, "logits", explanation.logits);
  setTensor(object, "probabilities", explanation.probabilities);
  setTensor(object, "predicted", explanation.predicted);
  setTensor(object, "targetClass", explanation.targetClass);
  setTensor(object, "maps", explanation.maps);
  setTensor(object, "conditions", explanation.conditions);
  setTensor(object, "target", explanation.target);
  return object;
}

Napi::Value keptPositionsCall(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const std::vector<int64_t> positions = keptPositions(toInteger(info[0], "layers"), toInteger(info[1], "conditions"));
    Napi::Array array = Napi::Array::New(info.Env(), positions.size());
    for (uint32_t i = 0; i < positions.size(); ++i) array.Set(i, static_cast<double>(positions[i]));
    return array;
  });
}

}  // namespace

void CnnHandle::define(Napi::Env env, Napi::Object exports) {
  registerClass(env, exports,
                DefineClass(env, kName,
                            {InstanceAccessor<&CnnHandle::disposed>("disposed"), InstanceMethod<&CnnHandle::dispose>("dispose"),
                             InstanceMethod<&CnnHandle::stateDict>("stateDict"), InstanceMethod<&CnnHandle::shapes>("shapes"),
                             InstanceMethod<&CnnHandle::stateShapes>("stateShapes"),
                             InstanceMethod<&CnnHandle::loadStateDict>("loadStateDict"), InstanceMethod<&CnnHandle::predict>("predict"),
                             InstanceMethod<&CnnHandle::explain>("explain"), InstanceMethod<&CnnHandle::gradients>("gradients"),
                             InstanceMethod<&CnnHandle::describe>("describe"), InstanceMethod<&CnnHandle::selectTaps>("selectTaps")}));
  exports.Set("createCnn", Napi::Function::New<createCnn>(env, "createCnn"));
  exports.Set("weightShapes", Napi::Function::New<weightShapes>(env, "weightShapes"));
  exports.Set("loadScript", Napi::Function::New<loadScript>(env, "loadScript"));
  exports.Set("keptPositions", Napi::Function::New<keptPositionsCall>(env, "keptPositions"));
}

Napi::Value CnnHandle::wrap(Napi::Env env, std::shared_ptr<Cnn> cnn) {
  return Environment::of(env).getClass(kName).New({Napi::External<std::shared_ptr<Cnn>>::New(env, &cnn)});
}

std::shared_ptr<Cnn> CnnHandle::cnnOf(const Napi::Value& value, const std::string& what) {
  const CnnHandle& handle = unwrap(value, what);
  if (!handle.cnn_) throw makeError(value.Env(), ErrorCode::disposed, text(what, ": this Cnn was disposed of"));
  return handle.cnn_;
}

std::shared_ptr<GraphCnn> CnnHandle::graphOf(const Napi::Value& value, const std::string& what) {
  auto graph = std::dynamic_pointer_cast<GraphCnn>(cnnOf(value, what));
  if (!graph)
    throw makeError(value.Env(), ErrorCode::option, text(what, ": expected a Cnn made from a spec; a TorchScript model runs as it is"));
  return graph;
}

std::shared_ptr<ScriptCnn> CnnHandle::scriptOf(const Napi::Value& value, const std::string& what) {
  auto script = std::dynamic_pointer_cast<ScriptCnn>(cnnOf(value, what));
  if (!script) throw makeError(value.Env(), ErrorCode::option, text(what, ": expected a Cnn of TorchScript"));
  return script;
}

CnnHandle::CnnHandle(const Napi::CallbackInfo& info) : Wrapped(info) {
  if (!info[0].IsExternal()) throw makeError(info.Env(), ErrorCode::option, "Cnn has no public constructor; use Cnn.create or Cnn.load");
  cnn_ = *info[0].As<Napi::External<std::shared_ptr<Cnn>>>().Data();
}

Napi::Value CnnHandle::disposed(const Napi::CallbackInfo& info) { return Napi::Boolean::New(info.Env(), !cnn_); }

Napi::Value CnnHandle::dispose(const Napi::CallbackInfo& info) {
  cnn_.reset();
  return info.Env().Undefined();
}

/// stateDict(call): promise of { name: Tensor }, copies of the weights: a training that goes on does not show in them.
Napi::Value CnnHandle::stateDict(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    return runTask(
        info.Env(), CallOptions::from(info[0]),
        [cnn = cnnOf(info.This())](const TaskContext&) {
          StateDict state;
          for (const auto& [name, tensor] : cnn->stateDict()) state.emplace(name, tensor.detach().clone());
          return state;
        },
        [](Napi::Env env, StateDict&& state) { return fromStateDict(env, state); });
  });
}

/// loadStateDict(weights, call): copies weights in.
Napi::Value CnnHandle::loadStateDict(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    return runTask(
        info.Env(), CallOptions::from(info[1]),
        [cnn = graphOf(info.This()), weights = toStateDict(info[0], "weights")](const TaskContext&) { cnn->loadStateDict(weights); });
  });
}

/// [[C,H,W] | [F], …]: the shape of the input and of every node's output, without the batch.
Napi::Value CnnHandle::shapes(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    Napi::Array all = Napi::Array::New(info.Env());
    for (const Shape& shape : graphOf(info.This())->shapes()) all.Set(all.Length(), toJs(info.Env(), shape));
    return all;
  });
}

/// { name: [sizes] } of every weight and statistic.
Napi::Value CnnHandle::stateShapes(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] { return shapesOf(info.Env(), graphOf(info.This())->stateDict()); });
}

/// predict(images, { batchSize }, call): { logits, probabilities, predicted }.
Napi::Value CnnHandle::predict(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const auto cnn = cnnOf(info.This());
    const int64_t batchSize = Options(info[1]).integer("batchSize");
    return runTask(
        info.Env(), CallOptions::from(info[2]),
        [cnn, images = TensorHandle::tensorOf(info[0], "images"), batchSize](const TaskContext& context) {
          return cumulens::predict(*cnn, images, batchSize, context.token());
        },
        [](Napi::Env env, Prediction&& prediction) -> Napi::Value {
          Napi::Object object = Napi::Object::New(env);
          setTensor(object, "logits", prediction.logits);
          setTensor(object, "probabilities", prediction.probabilities);
          setTensor(object, "predicted", prediction.predicted);
          return object;
        });
  });
}

/// explain(images, targetClass | undefined, options, call): tensors by the names of Explanation; what was not asked for is absent.
Napi::Value CnnHandle::explain(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const auto cnn = cnnOf(info.This());
    const Options given(info[2]);
    const ExplainOptions options = readExplainOptions(given);
    const at::Tensor target = info[1].IsUndefined() ? at::Tensor() : TensorHandle::tensorOf(info[1], "target");
    return runTask(
        info.Env(), CallOptions::from(info[3]),
        [cnn, images = TensorHandle::tensorOf(info[0], "images"), target, options, batchSize = given.integer("batchSize")](
            const TaskContext& context) { return explainInBatches(*cnn, images, target, options, batchSize, context.token()); },
        [](Napi::Env env, Explanation&& explanation) { return toJs(env, explanation); });
  });
}

/// gradients(images, weights, { training }, call): { images: Tensor, parameters: { name: Tensor } }.
Napi::Value CnnHandle::gradients(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const auto cnn = graphOf(info.This());
    return runTask(
        info.Env(), CallOptions::from(info[3]),
        [cnn, images = TensorHandle::tensorOf(info[0], "images"), weights = TensorHandle::tensorOf(info[1], "weights"),
         training = Options(info[2]).flag("training")](const TaskContext& context) {
          return scoreGradients(*cnn, images, weights, training, context.token());
        },
        [](Napi::Env env, ScoreGradients&& result) -> Napi::Value {
          Napi::Object object = Napi::Object::New(env);
          setTensor(object, "logits", result.logits);
          setTensor(object, "images", result.images);
          object.Set("parameters", fromStateDict(env, result.parameters));
          return object;
        });
  });
}

/// A script's { input: [C,H,W], classes, candidates: [{ name, op, shape, owner? }], vggLike, notes }.
Napi::Value CnnHandle::describe(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Napi::Env env = info.Env();
    const auto script = scriptOf(info.This());
    Napi::Array candidates = Napi::Array::New(env), notes = Napi::Array::New(env);
    for (const ScriptTap& tap : script->candidates()) {
      Napi::Object one = Napi::Object::New(env);
      one.Set("name", tap.name);
      one.Set("op", tap.op);
      one.Set("shape", toJs(env, tap.shape));
      if (tap.owner) one.Set("owner", static_cast<double>(*tap.owner));
      candidates.Set(candidates.Length(), one);
    }
    for (const std::string& note : script->notes()) notes.Set(notes.Length(), note);
    Napi::Object result = Napi::Object::New(env);
    result.Set("input", toJs(env, script->inputShape()));
    result.Set("classes", static_cast<double>(script->classes()));
    result.Set("candidates", candidates);
    result.Set("vggLike", script->vggLike());
    result.Set("notes", notes);
    return result;
  });
}

/// selectTaps(names, call): which of a script's candidates `explain` gives maps of.
Napi::Value CnnHandle::selectTaps(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const Napi::Value names = info[0];
    if (!names.IsArray()) throw makeError(info.Env(), ErrorCode::option, "taps: expected an array");
    std::vector<std::string> taps;
    for (uint32_t i = 0; i < names.As<Napi::Array>().Length(); ++i) taps.push_back(toString(names.As<Napi::Array>().Get(i), "taps"));
    return runTask(info.Env(), CallOptions::from(info[1]),
                   [cnn = scriptOf(info.This()), taps = std::move(taps)](const TaskContext&) { cnn->selectTaps(taps); });
  });
}

}  // namespace cumulens
