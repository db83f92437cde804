#include "binding/convert.h"

#include <c10/util/ArrayRef.h>

#include <cmath>

#include "binding/errors.h"
#include "binding/tensor.h"

namespace cumulens {
namespace {

template <class Item, class Read>
std::vector<Item> readArray(const Napi::Value& value, const std::string& what, Read read) {
  if (!value.IsArray()) throw makeError(value.Env(), ErrorCode::option, text(what, ": expected an array"));
  const auto array = value.As<Napi::Array>();
  std::vector<Item> items;
  items.reserve(array.Length());
  for (std::uint32_t i = 0; i < array.Length(); ++i) items.push_back(read(array.Get(i), text(what, "[", i, "]")));
  return items;
}

double toNumber(const Napi::Value& value, const std::string& what) {
  if (!value.IsNumber()) throw makeError(value.Env(), ErrorCode::option, text(what, ": expected a number"));
  return value.As<Napi::Number>().DoubleValue();
}

}  // namespace

std::int64_t toInteger(const Napi::Value& value, const std::string& what) {
  const double number = toNumber(value, what);
  if (std::trunc(number) != number || std::abs(number) > 9007199254740991.0) {
    throw makeError(value.Env(), ErrorCode::option, text(what, ": expected a whole number"));
  }
  return static_cast<std::int64_t>(number);
}

std::string toString(const Napi::Value& value, const std::string& what) {
  if (!value.IsString()) throw makeError(value.Env(), ErrorCode::option, text(what, ": expected a string"));
  return value.As<Napi::String>().Utf8Value();
}

Options::Options(const Napi::Value& value, std::string what) : what_(std::move(what)) {
  if (!value.IsObject()) throw makeError(value.Env(), ErrorCode::option, text(what_, ": expected an object"));
  object_ = value.As<Napi::Object>();
}

void Options::refuse(const std::string& name, const char* expected) const {
  throw makeError(object_.Env(), ErrorCode::option, text(what_, ".", name, ": expected ", expected));
}

bool Options::has(const std::string& name) const {
  const Napi::Value found = value(name);
  return !found.IsUndefined() && !found.IsNull();
}

bool Options::flag(const std::string& name) const {
  const Napi::Value found = value(name);
  if (!found.IsBoolean()) refuse(name, "true or false");
  return found.As<Napi::Boolean>().Value();
}

std::int64_t Options::integer(const std::string& name) const { return toInteger(value(name), what_ + "." + name); }
double Options::number(const std::string& name) const { return toNumber(value(name), what_ + "." + name); }
std::string Options::string(const std::string& name) const { return toString(value(name), what_ + "." + name); }

std::vector<std::int64_t> Options::integers(const std::string& name) const {
  return readArray<std::int64_t>(value(name), what_ + "." + name, toInteger);
}

std::array<std::int64_t, 2> Options::size(const std::string& name) const {
  const std::vector<std::int64_t> size = integers(name);
  check(size.size() == 2 && size[0] > 0 && size[1] > 0, ErrorCode::option, name, ": expected [height, width], both positive, got ",
        at::IntArrayRef(size));
  return {size[0], size[1]};
}

std::vector<double> Options::numbers(const std::string& name) const { return readArray<double>(value(name), what_ + "." + name, toNumber); }

std::vector<std::string> Options::strings(const std::string& name) const {
  return readArray<std::string>(value(name), what_ + "." + name, toString);
}

Options Options::object(const std::string& name) const { return Options(value(name), what_ + "." + name); }

std::vector<Options> Options::objects(const std::string& name) const {
  return readArray<Options>(value(name), what_ + "." + name,
                            [](const Napi::Value& item, const std::string& what) { return Options(item, what); });
}

std::vector<std::string> Options::names() const {
  const Napi::Array names = object_.GetPropertyNames();
  std::vector<std::string> result;
  for (std::uint32_t i = 0; i < names.Length(); ++i) result.push_back(names.Get(i).ToString().Utf8Value());
  return result;
}

StateDict toStateDict(const Napi::Value& value, const std::string& what) {
  const Options object(value, what);
  StateDict tensors;
  for (const std::string& name : object.names()) tensors[name] = TensorHandle::tensorOf(object.value(name), what + "." + name);
  return tensors;
}

Napi::Object fromStateDict(Napi::Env env, const StateDict& tensors) {
  Napi::Object object = Napi::Object::New(env);
  for (const auto& [name, tensor] : tensors) object.Set(name, TensorHandle::wrap(env, tensor));
  return object;
}

}  // namespace cumulens
