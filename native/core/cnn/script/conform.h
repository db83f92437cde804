#pragma once

#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

namespace cumulens {

/// Whether a value is of a type through and through. An archive's pickles may say one type and hold another, and the interpreter takes
/// a slot's number, or how many values a tuple has, from the type. An object is of its very class; what it holds is not looked at.
bool conforms(const c10::IValue& value, const c10::Type& type);

}  // namespace cumulens
