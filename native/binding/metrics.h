#pragma once
#include <napi.h>

namespace cumulens {

/// `scoreMaps`, `scoreInMasks`, `bootstrapMeans`, `luminance`, `applyLinear` and the class `LinearFit`; each a promise.
void defineMetrics(Napi::Env env, Napi::Object exports);

}  // namespace cumulens
