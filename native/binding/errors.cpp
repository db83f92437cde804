#include "binding/errors.h"

#include "binding/environment.h"

namespace cumulens {

Napi::Error makeError(Napi::Env env, ErrorCode code, const std::string& message) {
  const Napi::Function constructor = Environment::of(env).getClass("CumulensError");
  const Napi::Object error = constructor.New({Napi::String::New(env, codeName(code)), Napi::String::New(env, message)});
  return {env, error};
}

}  // namespace cumulens
