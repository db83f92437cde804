#pragma once

#include <napi.h>

namespace cumulens {

/// Defines `weightedLayers` and `randomiseCnn`: see src/cnn/contract.ts.
void defineRandomise(Napi::Env env, Napi::Object exports);

}  // namespace cumulens
