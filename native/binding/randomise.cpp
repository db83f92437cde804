#include "binding/randomise.h"

#include "binding/cnn.h"
#include "binding/convert.h"
#include "binding/task.h"

namespace cumulens {
namespace {

std::vector<std::string> readNames(const Napi::Value& value) {
  if (!value.IsArray()) throw makeError(value.Env(), ErrorCode::option, "layers: expected an array");
  std::vector<std::string> names;
  const auto array = value.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); ++i) names.push_back(toString(array.Get(i), "layers"));
  return names;
}

/// weightedLayers(cnn, call): promise of [{ name, kernel }, …].
Napi::Value weightedLayersCall(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    return runTask(
        info.Env(), CallOptions::from(info[1]), [cnn = CnnHandle::cnnOf(info[0])](const TaskContext&) { return cnn->weightedLayers(); },
        [](Napi::Env env, std::vector<WeightedLayer>&& layers) -> Napi::Value {
          Napi::Array array = Napi::Array::New(env, layers.size());
          for (uint32_t i = 0; i < layers.size(); ++i) {
            Napi::Object layer = Napi::Object::New(env);
            layer.Set("name", layers[i].name);
            layer.Set("kernel", layers[i].kernel);
            array.Set(i, layer);
          }
          return array;
        });
  });
}

/// randomiseCnn(cnn, layers, seed, call): promise of a Cnn.
Napi::Value randomiseCnnCall(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    return runTask(
        info.Env(), CallOptions::from(info[3]),
        [cnn = CnnHandle::cnnOf(info[0]), layers = readNames(info[1]),
         seed = static_cast<uint64_t>(toInteger(info[2], "seed"))](const TaskContext&) { return cnn->randomised(layers, seed); },
        [](Napi::Env env, std::shared_ptr<Cnn>&& cnn) { return CnnHandle::wrap(env, std::move(cnn)); });
  });
}

}  // namespace

void defineRandomise(Napi::Env env, Napi::Object exports) {
  exports.Set("weightedLayers", Napi::Function::New<weightedLayersCall>(env, "weightedLayers"));
  exports.Set("randomiseCnn", Napi::Function::New<randomiseCnnCall>(env, "randomiseCnn"));
}

}  // namespace cumulens
