#pragma once
#include <napi.h>

namespace cumulens {

/// `attribution`: an object with a function for each way to explain, and those for maps that no CNN made; each call a promise of a Tensor.
void defineAttribution(Napi::Env env, Napi::Object exports);

}  // namespace cumulens
