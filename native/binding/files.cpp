#include "binding/files.h"

#include <ATen/ATen.h>

#include "binding/convert.h"
#include "binding/task.h"
#include "binding/tensor.h"
#include "core/io/atomic_file.h"
#include "core/io/file_lock.h"
#include "core/io/mapped_file.h"

namespace cumulens {
namespace {

std::vector<TensorSpan> readSpans(const Napi::Value& value) {
  Napi::Object holder = Napi::Object::New(value.Env());
  holder.Set("spans", value);
  std::vector<TensorSpan> spans;
  for (const Options& span : Options(holder, "mapTensors").objects("spans")) {
    spans.push_back({dtypeFromName(span.string("dtype")), span.integers("shape"), static_cast<std::uint64_t>(span.integer("begin")),
                     static_cast<std::uint64_t>(span.integer("end"))});
  }
  return spans;
}

Napi::Value mapTensorsCall(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    return runTask(
        info.Env(), CallOptions::from(info[2]),
        [path = toString(info[0], "path"), spans = readSpans(info[1])](const TaskContext&) { return mapTensors(path, spans); },
        [](Napi::Env env, std::vector<at::Tensor>&& tensors) {
          Napi::Array array = Napi::Array::New(env, tensors.size());
          for (std::uint32_t i = 0; i < tensors.size(); ++i) array.Set(i, TensorHandle::wrap(env, tensors[i]));
          return array;
        });
  });
}

Napi::Value writeTensorsCall(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] {
    if (!info[2].IsArray()) throw makeError(info.Env(), ErrorCode::option, "writeTensors: expected an array of Tensors");
    const auto array = info[2].As<Napi::Array>();
    std::vector<at::Tensor> tensors;
    for (std::uint32_t i = 0; i < array.Length(); ++i) tensors.push_back(TensorHandle::tensorOf(array.Get(i)));
    return runTask(info.Env(), CallOptions::from(info[3]),
                   [path = toString(info[0], "path"), header = toString(info[1], "header"),
                    tensors = std::move(tensors)](const TaskContext&) { writeTensors(path, header, tensors); });
  });
}

/// lockFile(path): a function that lets go of it, or why it is not held. Not a task: it must not wait for what computes.
Napi::Value lockFileCall(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const auto lock = std::make_shared<FileLock>(toString(info[0], "path"));
    switch (lock->state()) {
      case FileLock::State::taken:
        return Napi::String::New(info.Env(), "taken");
      case FileLock::State::unsupported:
        return Napi::String::New(info.Env(), "unsupported");
      case FileLock::State::held:
        break;
    }
    return Napi::Function::New(
        info.Env(), [lock](const Napi::CallbackInfo&) { lock->release(); }, "release");
  });
}

}  // namespace

void defineFiles(Napi::Env env, Napi::Object exports) {
  exports.Set("mapTensors", Napi::Function::New<mapTensorsCall>(env, "mapTensors"));
  exports.Set("lockFile", Napi::Function::New<lockFileCall>(env, "lockFile"));
  exports.Set("writeTensors", Napi::Function::New<writeTensorsCall>(env, "writeTensors"));
}

}  // namespace cumulens
