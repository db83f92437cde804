#pragma once

#include "binding/convert.h"
#include "binding/wrap.h"
#include "core/gan/generator.h"

#include <memory>
#include <string>

namespace cumulens {

/// JavaScript's native `Generator`: shared with the work that is queued for it, so that `dispose()` never pulls it from under a call.
class GeneratorHandle : public Wrapped<GeneratorHandle> {
 public:
  static constexpr const char* kName = "Generator";
  static constexpr napi_type_tag kTag{0x63756d756c656e73, 0x40};

  static void define(Napi::Env env, Napi::Object exports);

  /// `info[0]` is an External<std::shared_ptr<Generator>>: only C++ makes handles.
  explicit GeneratorHandle(const Napi::CallbackInfo& info);

 private:
  std::shared_ptr<Generator> live(Napi::Env env) const;

  Napi::Value disposed(const Napi::CallbackInfo& info);
  Napi::Value dispose(const Napi::CallbackInfo& info);
  Napi::Value parameterCount(const Napi::CallbackInfo& info);
  Napi::Value stateDict(const Napi::CallbackInfo& info);
  Napi::Value explain(const Napi::CallbackInfo& info);
  Napi::Value gradients(const Napi::CallbackInfo& info);
  Napi::Value replacementRelevance(const Napi::CallbackInfo& info);
  Napi::Value gradientRelevance(const Napi::CallbackInfo& info);

  std::shared_ptr<Generator> generator_;
};

/// Reads a generator's sizes as src/gan/config.ts gives them: validated, every default filled.
GeneratorConfig readGeneratorConfig(const Options& options);

}  // namespace cumulens
