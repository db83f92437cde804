#include "binding/environment.h"

#include "core/runtime/compute_thread.h"

namespace cumulens {

void Environment::create(Napi::Env env) { env.SetInstanceData(std::make_unique<Environment>(env).release()); }

Environment& Environment::of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }

Environment::Environment(Napi::Env env) : env_(env) {
  const napi_value name = Napi::String::New(env, "cumulens");
  const napi_status status = napi_create_threadsafe_function(env, nullptr, nullptr, name, /*max_queue_size=*/0,
                                                             /*initial_thread_count=*/1, nullptr, nullptr, this, &onCall, &door_);
  if (status != napi_ok) throw Napi::Error::New(env);
  napi_unref_threadsafe_function(env, door_);
  // Hooks run last-in first-out: this one after the door's own was added, so before the door closes.
  napi_add_env_cleanup_hook(env, &onCleanup, this);
}

void Environment::onCleanup(void* self) { ComputeThread::instance().abandon(self); }

void Environment::post(Callback callback) noexcept {
  auto data = std::make_unique<Callback>(std::move(callback));
  if (napi_call_threadsafe_function(door_, data.get(), napi_tsfn_nonblocking) == napi_ok) (void)data.release();
}

void Environment::onCall(napi_env env, napi_value, void*, void* data) {
  const std::unique_ptr<Callback> callback(static_cast<Callback*>(data));
  if (env == nullptr) return;  // closing: only the memory is to be freed
  const Napi::HandleScope scope(env);
  try {
    (*callback)(env);
  } catch (const Napi::Error& error) {
    // A user's callback threw. Like a throwing event listener, it is the process's uncaught exception.
    napi_fatal_exception(env, error.Value());
  }
}

void Environment::beginOperation() {
  if (pending_++ == 0) napi_ref_threadsafe_function(env_, door_);
}

void Environment::endOperation() {
  if (--pending_ == 0) napi_unref_threadsafe_function(env_, door_);
}

void Environment::setClass(const std::string& name, Napi::Function constructor) { classes_[name] = Napi::Persistent(constructor); }

Napi::Function Environment::getClass(const std::string& name) const { return classes_.at(name).Value(); }

}  // namespace cumulens
