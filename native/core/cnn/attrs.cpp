#include "core/cnn/attrs.h"

#include "core/runtime/error.h"

#include <cmath>

namespace cumulens {
namespace {

int64_t toInteger(double value, const std::string& name) {
  check(std::nearbyint(value) == value && std::abs(value) < 1e15, ErrorCode::option, "attribute '", name, "' must be a whole number, got ",
        value);
  return static_cast<int64_t>(value);
}

template <typename T>
const T& as(const AttrValue& value, const std::string& name, const char* expected) {
  const T* typed = std::get_if<T>(&value);
  check(typed != nullptr, ErrorCode::option, "attribute '", name, "' must be ", expected);
  return *typed;
}

}  // namespace

const AttrValue& Attrs::at(const std::string& name) const {
  const auto found = values_.find(name);
  check(found != values_.end(), ErrorCode::option, "attribute '", name, "' is missing");
  return found->second;
}

double Attrs::number(const std::string& name) const { return as<double>(at(name), name, "a number"); }

int64_t Attrs::integer(const std::string& name) const { return toInteger(number(name), name); }

bool Attrs::boolean(const std::string& name) const { return as<bool>(at(name), name, "true or false"); }

const std::string& Attrs::text(const std::string& name) const { return as<std::string>(at(name), name, "a word"); }

std::optional<std::string> Attrs::textIf(const std::string& name) const {
  const auto* text = std::get_if<std::string>(&at(name));
  return text ? std::optional(*text) : std::nullopt;
}

std::vector<double> Attrs::numbers(const std::string& name) const {
  const AttrValue& value = at(name);
  if (const double* one = std::get_if<double>(&value)) return {*one};
  return as<std::vector<double>>(value, name, "a number or a list of numbers");
}

std::array<int64_t, 2> Attrs::pair(const std::string& name) const {
  const std::vector<double> list = numbers(name);
  check(list.size() == 1 || list.size() == 2, ErrorCode::option, "attribute '", name, "' must be a number or [height, width], got ",
        list.size(), " numbers");
  return {toInteger(list.front(), name), toInteger(list.back(), name)};
}

}  // namespace cumulens
