#pragma once

#include "binding/wrap.h"
#include "core/cnn/graph_cnn.h"
#include "core/cnn/script_cnn.h"

#include <memory>
#include <string>

namespace cumulens {

/// JavaScript's native `Cnn`: shared with the work that is queued for it, so that `dispose()` never pulls it from under a call.
class CnnHandle : public Wrapped<CnnHandle> {
 public:
  static constexpr const char* kName = "Cnn";
  static constexpr napi_type_tag kTag{0x63756d756c656e73, 0x20};

  static void define(Napi::Env env, Napi::Object exports);
  /// @throws a CumulensError when `value` is no Cnn (ERR_OPTION) or was disposed of (ERR_DISPOSED).
  static std::shared_ptr<Cnn> cnnOf(const Napi::Value& value, const std::string& what = "cnn");
  /// The same for what only a graph can do (train, give its weights). @throws a CumulensError ERR_OPTION for another kind.
  static std::shared_ptr<GraphCnn> graphOf(const Napi::Value& value, const std::string& what = "cnn");

  /// The same for a TorchScript model. @throws a CumulensError ERR_OPTION for another kind.
  static std::shared_ptr<ScriptCnn> scriptOf(const Napi::Value& value, const std::string& what = "cnn");

  /// A handle for JavaScript.
  static Napi::Value wrap(Napi::Env env, std::shared_ptr<Cnn> cnn);

  /// `info[0]` is an External<std::shared_ptr<Cnn>>: only C++ makes handles.
  explicit CnnHandle(const Napi::CallbackInfo& info);

 private:
  Napi::Value disposed(const Napi::CallbackInfo& info);
  Napi::Value dispose(const Napi::CallbackInfo& info);
  Napi::Value stateDict(const Napi::CallbackInfo& info);
  Napi::Value loadStateDict(const Napi::CallbackInfo& info);
  Napi::Value shapes(const Napi::CallbackInfo& info);
  Napi::Value stateShapes(const Napi::CallbackInfo& info);
  Napi::Value predict(const Napi::CallbackInfo& info);
  Napi::Value explain(const Napi::CallbackInfo& info);
  Napi::Value gradients(const Napi::CallbackInfo& info);
  Napi::Value describe(const Napi::CallbackInfo& info);
  Napi::Value selectTaps(const Napi::CallbackInfo& info);

  std::shared_ptr<Cnn> cnn_;
};

}  // namespace cumulens
