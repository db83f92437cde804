#include "binding/cancel_handle.h"

namespace cumulens {

void CancelHandle::define(Napi::Env env, Napi::Object exports) {
  registerClass(env, exports, DefineClass(env, kName, {InstanceMethod<&CancelHandle::cancel>("cancel")}));
}

Napi::Value CancelHandle::cancel(const Napi::CallbackInfo& info) {
  token_->cancel();
  return info.Env().Undefined();
}

}  // namespace cumulens
