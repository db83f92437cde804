#include "binding/task.h"

#include "binding/cancel_handle.h"

namespace cumulens {

CallOptions CallOptions::from(const Napi::Value& value) {
  CallOptions options;
  if (value.IsUndefined() || value.IsNull()) return options;
  if (!value.IsObject()) throw makeError(value.Env(), ErrorCode::option, "call options: expected an object");
  const auto object = value.As<Napi::Object>();
  const Napi::Value token = object.Get("token");
  if (!token.IsUndefined()) options.token = CancelHandle::unwrap(token, "token").token();
  const Napi::Value onProgress = object.Get("onProgress");
  if (onProgress.IsFunction()) {
    options.onProgress = std::make_shared<Napi::FunctionReference>(Napi::Persistent(onProgress.As<Napi::Function>()));
  }
  return options;
}

void TaskContext::progress(Progress event) const {
  if (!options_.onProgress) return;
  environment_.post([callback = options_.onProgress, event = std::move(event)](Napi::Env env) {
    Napi::Object object = Napi::Object::New(env);
    for (const auto& [name, value] : event) object.Set(name, value);
    callback->Call({object});
  });
}

}  // namespace cumulens
