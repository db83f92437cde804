#include "binding/discriminator.h"

#include <c10/core/GradMode.h>

#include "binding/network.h"
#include "binding/task.h"
#include "binding/tensor.h"

namespace cumulens {
namespace {

/// createDiscriminator(config, { device, dtype, seed }, weights | undefined, call).
Napi::Value createDiscriminator(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const DiscriminatorConfig config = readDiscriminatorConfig(Options(info[0], "discriminator"));
    return createNetwork<DiscriminatorHandle, Discriminator>(info, [config](std::uint64_t seed, const at::TensorOptions& placement) {
      return std::make_shared<Discriminator>(config, seed, placement);
    });
  });
}

}  // namespace

DiscriminatorConfig readDiscriminatorConfig(const Options& options) {
  return {options.integer("size"), options.integer("mapChannels"), options.integer("width")};
}

void DiscriminatorHandle::define(Napi::Env env, Napi::Object exports) {
  registerClass(env, exports,
                DefineClass(env, kName,
                            {InstanceAccessor<&DiscriminatorHandle::parameterCount>("parameterCount"),
                             InstanceMethod<&DiscriminatorHandle::logits>("logits")}));
  exports.Set("createDiscriminator", Napi::Function::New<createDiscriminator>(env, "createDiscriminator"));
}

DiscriminatorHandle::DiscriminatorHandle(const Napi::CallbackInfo& info) : Wrapped(info) {
  if (!info[0].IsExternal()) throw makeError(info.Env(), ErrorCode::option, "Discriminator has no public constructor");
  discriminator_ = *info[0].As<Napi::External<std::shared_ptr<Discriminator>>>().Data();
}

Napi::Value DiscriminatorHandle::parameterCount(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(discriminator_->parameters().count()));
}

/// logits(images, maps, call): Tensor [N,1].
Napi::Value DiscriminatorHandle::logits(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    return runTask(
        info.Env(), CallOptions::from(info[2]),
        [discriminator = discriminator_, images = TensorHandle::tensorOf(info[0], "images"),
         maps = TensorHandle::tensorOf(info[1], "maps")](const TaskContext& context) {
          const c10::NoGradGuard noGrad;
          const auto options = discriminator->parameters().leaves().front().options();
          return discriminator->forward(images.to(options), maps.to(options), context.token());
        },
        [](Napi::Env env, at::Tensor&& logits) { return TensorHandle::wrap(env, logits); });
  });
}

}  // namespace cumulens
