#pragma once
#include <napi.h>

#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "binding/environment.h"
#include "binding/errors.h"
#include "core/runtime/cancel.h"
#include "core/runtime/compute_thread.h"

namespace cumulens {

/// Named numbers about work under way, given to the call's `onProgress` as one object.
using Progress = std::vector<std::pair<std::string, double>>;

/// How JavaScript follows one call: the optional last argument `{ token?: CancelToken, onProgress?: (event) => void }`.
struct CallOptions {
  std::shared_ptr<CancelToken> token = std::make_shared<CancelToken>();
  std::shared_ptr<Napi::FunctionReference> onProgress;  // made, used and released on the JavaScript thread only

  static CallOptions from(const Napi::Value& value);
};

/// What work on the compute thread may use of its call.
class TaskContext {
 public:
  TaskContext(Environment& environment, CallOptions options) : environment_(environment), options_(std::move(options)) {}

  const CancelToken& token() const noexcept { return *options_.token; }
  /// Sends a progress event to JavaScript without waiting for it; nothing when nobody listens.
  void progress(Progress event) const;

 private:
  Environment& environment_;
  CallOptions options_;
};

namespace detail {

// All that a task has made for JavaScript lives here until the JavaScript thread has settled the promise.
template <class Result, class Convert>
struct Settlement {
  Napi::Promise::Deferred deferred;
  Convert convert;
  CallOptions options;
  std::optional<Result> result;
  ErrorCode code = ErrorCode::internal;
  std::string message;

  void settle(Napi::Env env) {
    Environment::of(env).endOperation();
    if (!result) return deferred.Reject(makeError(env, code, message).Value());
    try {
      deferred.Resolve(convert(env, std::move(*result)));
    } catch (const Napi::Error& error) {
      deferred.Reject(error.Value());
    } catch (...) {
      const auto [failure, reason] = describeCurrentException();
      deferred.Reject(makeError(env, failure, reason).Value());
    }
  }
};

struct Nothing {};

}  // namespace detail

/// Queues `work(const TaskContext&)` on the compute thread and returns a promise for `convert(Napi::Env, Result&&)`, which runs on the
/// JavaScript thread. Read every JavaScript value before: `work` must touch none. Cancelled before its turn, it is not run.
template <class Work, class Convert>
Napi::Value runTask(Napi::Env env, CallOptions options, Work work, Convert convert) {
  using Result = std::invoke_result_t<Work&, const TaskContext&>;
  using State = detail::Settlement<Result, Convert>;
  Environment& environment = Environment::of(env);
  auto state = std::make_shared<State>(State{Napi::Promise::Deferred::New(env), std::move(convert), options, {}, {}, {}});
  const Napi::Value promise = state->deferred.Promise();
  environment.beginOperation();
  auto token = options.token;
  auto shared = std::make_shared<Work>(std::move(work));
  ComputeThread::instance().post({&environment, token, [&environment, state, options, shared]() mutable {
                                    try {
                                      options.token->check();
                                      state->result.emplace((*shared)(TaskContext(environment, options)));
                                    } catch (...) {
                                      std::tie(state->code, state->message) = describeCurrentException();
                                    }
                                    shared.reset();  // tensors the work captured are released before the caller hears of its end
                                    options.onProgress.reset();
                                    environment.post([state = std::move(state)](Napi::Env jsEnv) { state->settle(jsEnv); });
                                  }});
  return promise;
}

/// The same for work that gives nothing: a promise for undefined.
template <class Work>
Napi::Value runTask(Napi::Env env, CallOptions options, Work work) {
  return runTask(
      env, std::move(options),
      [work = std::move(work)](const TaskContext& context) mutable {
        work(context);
        return detail::Nothing{};
      },
      [](Napi::Env jsEnv, detail::Nothing&&) -> Napi::Value { return jsEnv.Undefined(); });
}

}  // namespace cumulens
