#pragma once
#include <napi.h>

namespace cumulens {

/// The functions of src/evaluate/scores/contract.ts; each call a promise.
void defineScores(Napi::Env env, Napi::Object exports);

}  // namespace cumulens
