#pragma once
#include <napi.h>

#include "binding/environment.h"
#include "binding/errors.h"

namespace cumulens {

/// Base of every class JavaScript sees. `T` has `static constexpr const char* kName` and `static constexpr napi_type_tag kTag`; the tag
/// is what tells a real instance from an object that only claims the prototype.
template <class T>
class Wrapped : public Napi::ObjectWrap<T> {
 public:
  /// @throws a CumulensError "<what>: expected a <class>" unless `value` is an instance made by this addon.
  static T& unwrap(const Napi::Value& value, const std::string& what = "argument") {
    const Napi::Env env = value.Env();
    if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&T::kTag)) {
      throw makeError(env, ErrorCode::option, text(what, ": expected a ", T::kName));
    }
    return *Napi::ObjectWrap<T>::Unwrap(value.As<Napi::Object>());
  }

 protected:
  explicit Wrapped(const Napi::CallbackInfo& info) : Napi::ObjectWrap<T>(info) { info.This().As<Napi::Object>().TypeTag(&T::kTag); }

  static void registerClass(Napi::Env env, Napi::Object exports, Napi::Function constructor) {
    Environment::of(env).setClass(T::kName, constructor);
    exports.Set(T::kName, constructor);
  }
};

}  // namespace cumulens
