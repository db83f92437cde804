#pragma once
#include <napi.h>

namespace cumulens {

/// `buildInfo()`, `resolveDevice(name)`, `cudaDeviceCount()`, `threads()`, `setThreads(n)`, `setErrorClass(CumulensError)`.
void defineSystem(Napi::Env env, Napi::Object exports);

}  // namespace cumulens
