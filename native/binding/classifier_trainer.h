#pragma once

#include <napi.h>

namespace cumulens {

/// `createClassifierTrainer` and `evaluateClassifier`.
void defineClassifierTrainer(Napi::Env env, Napi::Object exports);

}  // namespace cumulens
