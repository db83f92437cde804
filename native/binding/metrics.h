#pragma once
#include <napi.h>

namespace cumulens {

/// `scoreMaps`, `scoreInMasks`, `bootstrapMeans`, `bootstrapComparisons`, `baselineMaps` and the class `BaselineFit`; each call a promise.
void defineMetrics(Napi::Env env, Napi::Object exports);

}  // namespace cumulens
