#pragma once
#include <napi.h>

#include <string>
#include <utility>

#include "core/runtime/error.h"

namespace cumulens {

/// A `CumulensError` (the class JavaScript registered with `setErrorClass`) with `code` and a one-line message.
Napi::Error makeError(Napi::Env env, ErrorCode code, const std::string& message);

/// Runs a synchronous entry point: every C++ exception leaves it as a CumulensError, Napi::Error as it is.
template <class Function>
auto guarded(Napi::Env env, Function&& function) -> decltype(function()) {
  try {
    return function();
  } catch (const Napi::Error&) {
    throw;
  } catch (...) {
    const auto [code, message] = describeCurrentException();
    throw makeError(env, code, message);
  }
}

}  // namespace cumulens
