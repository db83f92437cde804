#include "core/cnn/script/conform.h"

#include <ATen/core/class_type.h>

#include <algorithm>

namespace cumulens {
namespace {

bool tupleConforms(const c10::IValue& value, const c10::Type& type) {
  if (!value.isTuple()) return false;
  const auto& elements = value.toTupleRef().elements();
  const auto types = type.containedTypes();
  if (elements.size() != types.size()) return false;
  for (size_t i = 0; i < elements.size(); ++i) {
    if (!conforms(elements[i], *types[i])) return false;
  }
  return true;
}

bool listConforms(const c10::IValue& value, const c10::Type& element) {
  if (!value.isList()) return false;
  const auto& elements = value.toListRef();
  return std::all_of(elements.begin(), elements.end(), [&](const c10::IValue& one) { return conforms(one, element); });
}

bool dictConforms(const c10::IValue& value, const c10::Type& type) {
  if (!value.isGenericDict()) return false;
  const auto dict = value.toGenericDict();
  return std::all_of(dict.begin(), dict.end(), [&](const auto& entry) {
    return conforms(entry.key(), *type.containedType(0)) && conforms(entry.value(), *type.containedType(1));
  });
}

}  // namespace

bool conforms(const c10::IValue& value, const c10::Type& type) {
  switch (type.kind()) {
    case c10::TypeKind::TensorType:
      return value.isTensor() && value.toTensor().defined();
    case c10::TypeKind::IntType:
      return value.isInt();
    case c10::TypeKind::FloatType:
      return value.isDouble();
    case c10::TypeKind::BoolType:
      return value.isBool();
    case c10::TypeKind::StringType:
      return value.isString();
    case c10::TypeKind::NoneType:
      return value.isNone();
    case c10::TypeKind::NumberType:
      return value.isInt() || value.isDouble();
    case c10::TypeKind::DeviceObjType:
      return value.isDevice();
    case c10::TypeKind::OptionalType:
      return value.isNone() || conforms(value, *type.containedType(0));
    case c10::TypeKind::TupleType:
      return tupleConforms(value, type);
    case c10::TypeKind::ListType:
      return listConforms(value, *type.containedType(0));
    case c10::TypeKind::DictType:
      return dictConforms(value, type);
    case c10::TypeKind::ClassType:
      return value.isObject() && value.toObjectRef().type().get() == &type;
    default:
      return false;
  }
}

}  // namespace cumulens
