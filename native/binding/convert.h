#pragma once
#include <ATen/core/Tensor.h>
#include <napi.h>

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace cumulens {

/// Reads a plain JavaScript object whose values TypeScript has validated already. A wrong type is still an error in words and never
/// a crash: the addon can be called by anyone.
class Options {
 public:
  explicit Options(const Napi::Value& value, std::string what = "options");

  bool has(const std::string& name) const;
  bool flag(const std::string& name) const;
  std::int64_t integer(const std::string& name) const;
  double number(const std::string& name) const;
  std::string string(const std::string& name) const;
  std::vector<std::int64_t> integers(const std::string& name) const;
  /// [height, width], both positive.
  std::array<std::int64_t, 2> size(const std::string& name) const;
  std::vector<double> numbers(const std::string& name) const;
  std::vector<std::string> strings(const std::string& name) const;
  Options object(const std::string& name) const;
  std::vector<Options> objects(const std::string& name) const;
  /// Own property names, in order.
  std::vector<std::string> names() const;
  /// The value itself; undefined when absent.
  Napi::Value value(const std::string& name) const { return object_.Get(name); }

 private:
  [[noreturn]] void refuse(const std::string& name, const char* expected) const;

  Napi::Object object_;
  std::string what_;
};

/// At most 2^53 in magnitude and without a fraction, else an error naming `what`.
std::int64_t toInteger(const Napi::Value& value, const std::string& what);
std::string toString(const Napi::Value& value, const std::string& what);

using StateDict = std::map<std::string, at::Tensor>;
/// `{ name: Tensor }` both ways.
StateDict toStateDict(const Napi::Value& value, const std::string& what = "tensors");
Napi::Object fromStateDict(Napi::Env env, const StateDict& tensors);

}  // namespace cumulens
