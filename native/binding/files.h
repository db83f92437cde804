#pragma once
#include <napi.h>

namespace cumulens {

/// `mapTensors(path, spans, call?)` and `writeTensors(path, header, tensors, call?)`; the header's text is TypeScript's.
void defineFiles(Napi::Env env, Napi::Object exports);

}  // namespace cumulens
