#pragma once
#include <napi.h>

namespace cumulens {

/// `tapGradients`: the passes alone, which bench/ holds maps against.
void definePasses(Napi::Env env, Napi::Object exports);

}  // namespace cumulens
