#include <napi.h>

#include <ATen/Context.h>

#include "binding/attribution.h"
#include "binding/cancel_handle.h"
#include "binding/classifier_trainer.h"
#include "binding/cnn.h"
#include "binding/dataset.h"
#include "binding/discriminator.h"
#include "binding/environment.h"
#include "binding/files.h"
#include "binding/gan_trainer.h"
#include "binding/generator.h"
#include "binding/metrics.h"
#include "binding/passes.h"
#include "binding/pictures.h"
#include "binding/randomise.h"
#include "binding/scores.h"
#include "binding/system.h"
#include "binding/tensor.h"

namespace {

Napi::Object init(Napi::Env env, Napi::Object exports) {
  // oneDNN does what NNPACK would, and NNPACK writes a warning to the terminal for each thread on every machine that it does not know, as
  // most virtual ones.
  at::globalContext().setUserEnabledNNPACK(false);
  cumulens::Environment::create(env);
  cumulens::defineSystem(env, exports);
  cumulens::CancelHandle::define(env, exports);
  cumulens::TensorHandle::define(env, exports);
  cumulens::defineFiles(env, exports);
  cumulens::CnnHandle::define(env, exports);
  cumulens::defineRandomise(env, exports);
  cumulens::defineClassifierTrainer(env, exports);
  cumulens::defineDataset(env, exports);
  cumulens::defineMetrics(env, exports);
  cumulens::definePasses(env, exports);
  cumulens::definePictures(env, exports);
  cumulens::defineAttribution(env, exports);
  cumulens::defineScores(env, exports);
  cumulens::GeneratorHandle::define(env, exports);
  cumulens::DiscriminatorHandle::define(env, exports);
  cumulens::GanTrainerHandle::define(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(cumulens, init)
