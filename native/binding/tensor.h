#pragma once
#include <ATen/core/Tensor.h>
#include <napi.h>

#include <memory>
#include <optional>
#include <string>

#include "binding/external_memory.h"
#include "binding/wrap.h"

namespace cumulens {

/// JavaScript's `Tensor`: a handle to an at::Tensor. `dispose()` gives the memory back at once; else the garbage collector does, told
/// of the bytes by ExternalMemory.
class TensorHandle : public Wrapped<TensorHandle> {
 public:
  static constexpr const char* kName = "Tensor";
  static constexpr napi_type_tag kTag{0x63756d756c656e73, 0x02};

  static void define(Napi::Env env, Napi::Object exports);
  static Napi::Object wrap(Napi::Env env, const at::Tensor& tensor);
  /// @throws a CumulensError when `value` is no Tensor (ERR_OPTION) or was disposed of (ERR_DISPOSED).
  static at::Tensor tensorOf(const Napi::Value& value, const std::string& what = "tensor");

  /// `info[0]`, when given, is an External<at::Tensor>: only C++ makes handles.
  explicit TensorHandle(const Napi::CallbackInfo& info);
  ~TensorHandle() override;
  TensorHandle(const TensorHandle&) = delete;
  TensorHandle& operator=(const TensorHandle&) = delete;

 private:
  const at::Tensor& live(Napi::Env env, const std::string& what) const;
  void release(Napi::Env env);

  Napi::Value shape(const Napi::CallbackInfo& info);
  Napi::Value dtype(const Napi::CallbackInfo& info);
  Napi::Value device(const Napi::CallbackInfo& info);
  Napi::Value disposed(const Napi::CallbackInfo& info);
  Napi::Value data(const Napi::CallbackInfo& info);
  Napi::Value dispose(const Napi::CallbackInfo& info);

  std::optional<at::Tensor> tensor_;
  std::int64_t bytes_ = 0;
  std::shared_ptr<ExternalMemory> memory_;  // the environment's, which may be gone before the last handle
};

/// "float32", "uint8", "int64" …; the names JavaScript uses.
const char* dtypeName(at::ScalarType dtype);
/// @throws Error{option} for an unknown name.
at::ScalarType dtypeFromName(const std::string& name);

}  // namespace cumulens
