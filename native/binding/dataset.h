#pragma once
#include <napi.h>

namespace cumulens {

/// `composeImages`, `packImages`, `channelsLast`, `gatherSamples` and `prepareSamples`.
void defineDataset(Napi::Env env, Napi::Object exports);

}  // namespace cumulens
