#pragma once
#include <napi.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "binding/external_memory.h"

namespace cumulens {

/// What the addon keeps for one JavaScript environment (the main thread or one worker): its classes, and the door by which the
/// compute thread reaches its event loop. Nothing of JavaScript is shared between environments.
class Environment {
 public:
  /// Runs on the environment's JavaScript thread.
  using Callback = std::function<void(Napi::Env)>;

  static void create(Napi::Env env);
  static Environment& of(Napi::Env env);

  explicit Environment(Napi::Env env);
  ~Environment() = default;
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  /// From any thread: runs `callback` on the JavaScript thread, in order. Dropped if the environment is closing.
  void post(Callback callback) noexcept;

  /// JavaScript thread: the event loop stays alive while operations are pending.
  void beginOperation();
  void endOperation();

  const std::shared_ptr<ExternalMemory>& externalMemory() const { return externalMemory_; }

  void setClass(const std::string& name, Napi::Function constructor);
  Napi::Function getClass(const std::string& name) const;

 private:
  static void onCleanup(void* self);
  static void onCall(napi_env env, napi_value callback, void* context, void* data);

  napi_env env_;
  napi_threadsafe_function door_ = nullptr;
  std::size_t pending_ = 0;
  std::shared_ptr<ExternalMemory> externalMemory_ = std::make_shared<ExternalMemory>();
  std::map<std::string, Napi::FunctionReference> classes_;
};

}  // namespace cumulens
