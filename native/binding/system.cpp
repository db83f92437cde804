#include "binding/system.h"

#include <ATen/Parallel.h>
#include <torch/headeronly/version.h>

#include "binding/convert.h"
#include "binding/task.h"
#include "core/runtime/device.h"

namespace cumulens {
namespace {

Napi::Value buildInfo(const Napi::CallbackInfo& info) {
  Napi::Object object = Napi::Object::New(info.Env());
  object.Set("torch", TORCH_VERSION);
#ifdef CUMULENS_CUDA
  object.Set("cuda", true);
#else
  object.Set("cuda", false);
#endif
  object.Set("compiler", __VERSION__);
  object.Set("napi", NAPI_VERSION);
  return object;
}

Napi::Value resolveDeviceCall(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] { return Napi::String::New(info.Env(), resolveDevice(toString(info[0], "device")).str()); });
}

Napi::Value cudaDeviceCountCall(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), cudaDeviceCount()); }

// libtorch keeps the count for each thread, so both run where the work runs.
Napi::Value threads(const Napi::CallbackInfo& info) {
  return runTask(
      info.Env(), CallOptions{}, [](const TaskContext&) { return at::get_num_threads(); },
      [](Napi::Env env, int count) { return Napi::Number::New(env, count); });
}

Napi::Value setThreads(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    const std::int64_t count = toInteger(info[0], "threads");
    check(count >= 1 && count <= 1024, ErrorCode::option, "threads: expected 1 to 1024, got ", count);
    return runTask(info.Env(), CallOptions{}, [count](const TaskContext&) { at::set_num_threads(static_cast<int>(count)); });
  });
}

Napi::Value setErrorClass(const Napi::CallbackInfo& info) {
  if (!info[0].IsFunction()) throw Napi::TypeError::New(info.Env(), "setErrorClass: expected a class");
  Environment::of(info.Env()).setClass("CumulensError", info[0].As<Napi::Function>());
  return info.Env().Undefined();
}

Napi::Value stopCompute(const Napi::CallbackInfo& info) {
  ComputeThread::instance().stop();
  return info.Env().Undefined();
}

}  // namespace

void defineSystem(Napi::Env env, Napi::Object exports) {
  // Until JavaScript registers its own class, errors are plain Errors called with (code, message).
  Environment::of(env).setClass("CumulensError", env.Global().Get("Error").As<Napi::Function>());
  exports.Set("buildInfo", Napi::Function::New<buildInfo>(env, "buildInfo"));
  exports.Set("resolveDevice", Napi::Function::New<resolveDeviceCall>(env, "resolveDevice"));
  exports.Set("cudaDeviceCount", Napi::Function::New<cudaDeviceCountCall>(env, "cudaDeviceCount"));
  exports.Set("threads", Napi::Function::New<threads>(env, "threads"));
  exports.Set("setThreads", Napi::Function::New<setThreads>(env, "setThreads"));
  exports.Set("stopCompute", Napi::Function::New<stopCompute>(env, "stopCompute"));
  exports.Set("setErrorClass", Napi::Function::New<setErrorClass>(env, "setErrorClass"));
}

}  // namespace cumulens
