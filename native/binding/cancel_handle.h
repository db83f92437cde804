#pragma once
#include <napi.h>

#include <memory>

#include "binding/wrap.h"
#include "core/runtime/cancel.h"

namespace cumulens {

/// JavaScript's `CancelToken`: `cancel()` asks the call it was given to to stop.
class CancelHandle : public Wrapped<CancelHandle> {
 public:
  static constexpr const char* kName = "CancelToken";
  static constexpr napi_type_tag kTag{0x63756d756c656e73, 0x01};

  static void define(Napi::Env env, Napi::Object exports);
  explicit CancelHandle(const Napi::CallbackInfo& info) : Wrapped(info) {}

  const std::shared_ptr<CancelToken>& token() const noexcept { return token_; }

 private:
  Napi::Value cancel(const Napi::CallbackInfo& info);

  std::shared_ptr<CancelToken> token_ = std::make_shared<CancelToken>();
};

}  // namespace cumulens
