#pragma once

#include "binding/wrap.h"
#include "core/gan/trainer.h"

#include <memory>

namespace cumulens {

/// JavaScript's native `GanTrainer`: every call runs on the compute thread, so state asked for between two `run`s is the state between
/// them.
class GanTrainerHandle : public Wrapped<GanTrainerHandle> {
 public:
  static constexpr const char* kName = "GanTrainer";
  static constexpr napi_type_tag kTag{0x63756d756c656e73, 0x42};

  static void define(Napi::Env env, Napi::Object exports);

  /// `info[0]` is an External<std::shared_ptr<GanTrainer>>: only C++ makes handles.
  explicit GanTrainerHandle(const Napi::CallbackInfo& info);

 private:
  std::shared_ptr<GanTrainer> live(Napi::Env env) const;

  Napi::Value dispose(const Napi::CallbackInfo& info);
  Napi::Value run(const Napi::CallbackInfo& info);
  Napi::Value validate(const Napi::CallbackInfo& info);
  Napi::Value state(const Napi::CallbackInfo& info);
  Napi::Value restore(const Napi::CallbackInfo& info);
  Napi::Value sampleGrid(const Napi::CallbackInfo& info);

  std::shared_ptr<GanTrainer> trainer_;
};

}  // namespace cumulens
