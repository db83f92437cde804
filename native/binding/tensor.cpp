#include "binding/tensor.h"

#include <ATen/ATen.h>

#include <array>
#include <atomic>
#include <cstring>

#include "binding/convert.h"
#include "binding/task.h"

namespace cumulens {
namespace {

struct DtypeName {
  at::ScalarType dtype;
  const char* name;
};
constexpr std::array kDtypes{
    DtypeName{at::kFloat, "float32"},     DtypeName{at::kDouble, "float64"}, DtypeName{at::kHalf, "float16"},
    DtypeName{at::kBFloat16, "bfloat16"}, DtypeName{at::kByte, "uint8"},     DtypeName{at::kChar, "int8"},
    DtypeName{at::kShort, "int16"},       DtypeName{at::kInt, "int32"},      DtypeName{at::kLong, "int64"},
    DtypeName{at::kBool, "bool"},
};

std::atomic<std::int64_t> liveHandles{0};
std::atomic<std::int64_t> liveBytes{0};

at::ScalarType dtypeOf(const Napi::TypedArray& array) {
  switch (array.TypedArrayType()) {
    case napi_float32_array:
      return at::kFloat;
    case napi_float64_array:
      return at::kDouble;
    case napi_uint8_array:
    case napi_uint8_clamped_array:
      return at::kByte;
    case napi_int8_array:
      return at::kChar;
    case napi_int16_array:
      return at::kShort;
    case napi_int32_array:
      return at::kInt;
    case napi_bigint64_array:
      return at::kLong;
    default:
      throw makeError(array.Env(), ErrorCode::option, "Tensor.from: this kind of typed array is not supported");
  }
}

Napi::Value toTypedArray(Napi::Env env, const at::Tensor& tensor) {
  const auto count = static_cast<std::size_t>(tensor.numel());
  Napi::ArrayBuffer buffer = Napi::ArrayBuffer::New(env, tensor.nbytes());
  if (tensor.nbytes() > 0) std::memcpy(buffer.Data(), tensor.const_data_ptr(), tensor.nbytes());
  switch (tensor.scalar_type()) {
    case at::kFloat:
      return Napi::Float32Array::New(env, count, buffer, 0);
    case at::kDouble:
      return Napi::Float64Array::New(env, count, buffer, 0);
    case at::kChar:
      return Napi::Int8Array::New(env, count, buffer, 0);
    case at::kShort:
      return Napi::Int16Array::New(env, count, buffer, 0);
    case at::kInt:
      return Napi::Int32Array::New(env, count, buffer, 0);
    case at::kLong:
      return Napi::BigInt64Array::New(env, count, buffer, 0);
    default:
      return Napi::Uint8Array::New(env, count, buffer, 0);
  }
}

std::vector<std::int64_t> readShape(const Napi::Value& value) {
  Napi::Object holder = Napi::Object::New(value.Env());
  holder.Set("shape", value);
  return Options(holder, "Tensor.from").integers("shape");
}

// Tensor.from(typedArray, shape): copies, so that the caller's array stays the caller's.
Napi::Value fromTypedArray(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    if (!info[0].IsTypedArray()) throw makeError(info.Env(), ErrorCode::option, "Tensor.from: expected a typed array");
    const auto array = info[0].As<Napi::TypedArray>();
    const std::vector<std::int64_t> shape = readShape(info[1]);
    std::int64_t count = 1;
    for (const std::int64_t size : shape) {
      check(size >= 0 && !__builtin_mul_overflow(count, size, &count), ErrorCode::shape, "Tensor.from: shape ", at::IntArrayRef(shape),
            " is not possible");
    }
    check(count == static_cast<std::int64_t>(array.ElementLength()), ErrorCode::shape, "Tensor.from: shape ", at::IntArrayRef(shape),
          " needs ", count, " values, got ", array.ElementLength());
    at::Tensor tensor = at::empty(shape, dtypeOf(array));
    const auto* const bytes = static_cast<const std::byte*>(array.ArrayBuffer().Data()) + array.ByteOffset();
    if (count > 0) std::memcpy(tensor.data_ptr(), bytes, tensor.nbytes());
    return TensorHandle::wrap(info.Env(), tensor);
  });
}

/// rows(tensor, begin, end): a view of those samples, without a copy.
Napi::Value rows(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&]() -> Napi::Value {
    const at::Tensor tensor = TensorHandle::tensorOf(info[0]);
    const std::int64_t begin = toInteger(info[1], "begin"), end = toInteger(info[2], "end");
    check(tensor.dim() > 0 && begin >= 0 && begin <= end && end <= tensor.size(0), ErrorCode::shape, "rows ", begin, " … ", end,
          " do not lie in a tensor ", tensor.sizes());
    return TensorHandle::wrap(info.Env(), tensor.slice(0, begin, end));
  });
}

Napi::Value memory(const Napi::CallbackInfo& info) {
  Napi::Object object = Napi::Object::New(info.Env());
  object.Set("tensors", static_cast<double>(liveHandles.load()));
  object.Set("bytes", static_cast<double>(liveBytes.load()));
  return object;
}

}  // namespace

const char* dtypeName(at::ScalarType dtype) {
  for (const DtypeName& entry : kDtypes) {
    if (entry.dtype == dtype) return entry.name;
  }
  throw Error(ErrorCode::option, text("tensors of dtype ", dtype, " have no JavaScript name"));
}

at::ScalarType dtypeFromName(const std::string& name) {
  for (const DtypeName& entry : kDtypes) {
    if (name == entry.name) return entry.dtype;
  }
  throw Error(ErrorCode::option,
              text("dtype '", name, "' is not one of float32, float64, float16, bfloat16, uint8, int8, int16, int32, int64, bool"));
}

void TensorHandle::define(Napi::Env env, Napi::Object exports) {
  registerClass(env, exports,
                DefineClass(env, kName,
                            {InstanceAccessor<&TensorHandle::shape>("shape"), InstanceAccessor<&TensorHandle::dtype>("dtype"),
                             InstanceAccessor<&TensorHandle::device>("device"), InstanceAccessor<&TensorHandle::disposed>("disposed"),
                             InstanceMethod<&TensorHandle::data>("data"), InstanceMethod<&TensorHandle::dispose>("dispose")}));
  exports.Set("tensorFrom", Napi::Function::New<fromTypedArray>(env, "tensorFrom"));
  exports.Set("rows", Napi::Function::New<rows>(env, "rows"));
  exports.Set("memory", Napi::Function::New<memory>(env, "memory"));
}

Napi::Object TensorHandle::wrap(Napi::Env env, const at::Tensor& tensor) {
  at::Tensor copy = tensor.detach();
  return Environment::of(env).getClass(kName).New({Napi::External<at::Tensor>::New(env, &copy)});
}

at::Tensor TensorHandle::tensorOf(const Napi::Value& value, const std::string& what) { return unwrap(value, what).live(value.Env(), what); }

TensorHandle::TensorHandle(const Napi::CallbackInfo& info) : Wrapped(info) {
  if (!info[0].IsExternal()) {
    throw makeError(info.Env(), ErrorCode::option, "Tensor has no public constructor; use Tensor.from(typedArray, shape)");
  }
  tensor_ = *info[0].As<Napi::External<at::Tensor>>().Data();
  bytes_ = static_cast<std::int64_t>(tensor_->nbytes());
  liveHandles += 1;
  liveBytes += bytes_;
  memory_ = Environment::of(info.Env()).externalMemory();
  memory_->add(info.Env(), bytes_);
}

TensorHandle::~TensorHandle() { release(Env()); }

void TensorHandle::release(Napi::Env env) {
  if (!tensor_) return;
  tensor_.reset();
  liveHandles -= 1;
  liveBytes -= bytes_;
  memory_->remove(env, bytes_);
}

const at::Tensor& TensorHandle::live(Napi::Env env, const std::string& what) const {
  if (!tensor_) throw makeError(env, ErrorCode::disposed, text(what, ": this Tensor was disposed of"));
  return *tensor_;
}

Napi::Value TensorHandle::shape(const Napi::CallbackInfo& info) {
  const at::Tensor& tensor = live(info.Env(), "shape");
  Napi::Array shape = Napi::Array::New(info.Env(), static_cast<std::size_t>(tensor.dim()));
  for (std::int64_t i = 0; i < tensor.dim(); ++i) shape.Set(static_cast<std::uint32_t>(i), static_cast<double>(tensor.size(i)));
  return shape;
}

Napi::Value TensorHandle::dtype(const Napi::CallbackInfo& info) {
  return guarded(info.Env(), [&] { return Napi::String::New(info.Env(), dtypeName(live(info.Env(), "dtype").scalar_type())); });
}

Napi::Value TensorHandle::device(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), live(info.Env(), "device").device().str());
}

Napi::Value TensorHandle::disposed(const Napi::CallbackInfo& info) { return Napi::Boolean::New(info.Env(), !tensor_.has_value()); }

Napi::Value TensorHandle::data(const Napi::CallbackInfo& info) {
  return runTask(
      info.Env(), CallOptions::from(info[0]),
      [tensor = live(info.Env(), "data")](const TaskContext&) {
        // JavaScript of this Node has no 16-bit float arrays.
        const bool half = tensor.scalar_type() == at::kHalf || tensor.scalar_type() == at::kBFloat16;
        return (half ? tensor.to(at::kFloat) : tensor).to(at::kCPU).contiguous();
      },
      [](Napi::Env env, at::Tensor&& tensor) { return toTypedArray(env, tensor); });
}

Napi::Value TensorHandle::dispose(const Napi::CallbackInfo& info) {
  release(info.Env());
  return info.Env().Undefined();
}

}  // namespace cumulens
