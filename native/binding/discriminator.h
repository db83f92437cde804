#pragma once

#include "binding/convert.h"
#include "binding/wrap.h"
#include "core/gan/discriminator.h"

#include <memory>

namespace cumulens {

/// JavaScript's native `Discriminator`.
class DiscriminatorHandle : public Wrapped<DiscriminatorHandle> {
 public:
  static constexpr const char* kName = "Discriminator";
  static constexpr napi_type_tag kTag{0x63756d756c656e73, 0x41};

  static void define(Napi::Env env, Napi::Object exports);

  /// `info[0]` is an External<std::shared_ptr<Discriminator>>: only C++ makes handles.
  explicit DiscriminatorHandle(const Napi::CallbackInfo& info);

 private:
  Napi::Value parameterCount(const Napi::CallbackInfo& info);
  Napi::Value logits(const Napi::CallbackInfo& info);

  std::shared_ptr<Discriminator> discriminator_;
};

/// Reads a discriminator's sizes: { size, mapChannels, width }.
DiscriminatorConfig readDiscriminatorConfig(const Options& options);

}  // namespace cumulens
