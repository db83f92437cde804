#pragma once
#include <napi.h>

namespace cumulens {

/// `drawImages`, `drawMaps` and `drawStrips`: pixels for pages; each call a promise.
void definePictures(Napi::Env env, Napi::Object exports);

}  // namespace cumulens
