#include "core/cnn/script/outputs.h"

#include "core/runtime/error.h"

#include <ATen/core/function_schema.h>
#include <ATen/core/jit_type.h>

#include <algorithm>
#include <vector>

namespace cumulens {
namespace {

struct Part {
  std::string name;
  c10::IValue value;
};

std::string fieldName(const c10::IValue& tuple, size_t index) {
  const auto& schema = tuple.type()->expectRef<c10::TupleType>().schema();
  return schema ? schema->arguments()[index].name() : std::to_string(index);
}

std::vector<Part> partsOf(const c10::IValue& value) {
  std::vector<Part> parts;
  if (value.isTuple()) {
    for (const auto& element : value.toTupleRef().elements()) parts.push_back({fieldName(value, parts.size()), element});
  } else if (value.isList()) {
    for (const auto& element : value.toListRef()) parts.push_back({std::to_string(parts.size()), element});
  } else if (value.isGenericDict()) {
    for (const auto& entry : value.toGenericDict())
      parts.push_back({entry.key().isString() ? entry.key().toStringRef() : text(entry.key()), entry.value()});
  }
  return parts;
}

bool isLogits(const c10::IValue& value, int64_t images) {
  if (!value.isTensor() || !value.toTensor().defined()) return false;
  const at::Tensor& tensor = value.toTensor();
  return tensor.dim() == 2 && tensor.size(0) == images && tensor.is_floating_point();
}

std::string describe(const c10::IValue& value) {
  if (value.isTensor()) return value.toTensor().defined() ? text("a tensor ", value.toTensor().sizes()) : "no tensor";
  const auto parts = partsOf(value);
  std::string list;
  for (size_t i = 0; i < std::min<size_t>(parts.size(), 4); ++i) {
    const auto& [name, part] = parts[i];
    list += text(i > 0 ? ", " : "", name, ": ", part.isTensor() ? text(part.toTensor().sizes()) : part.tagKind());
  }
  return text("a ", value.tagKind(), list.empty() ? "" : " (" + list + (parts.size() > 4 ? ", …)" : ")"));
}

}  // namespace

LogitsPlace findLogits(const c10::IValue& output, int64_t images) {
  if (isLogits(output, images)) return {output.toTensor().size(1), std::nullopt, {}};
  const auto parts = partsOf(output);
  std::vector<size_t> found;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (isLogits(parts[i].value, images)) found.push_back(i);
  }
  const auto named = std::find_if(found.begin(), found.end(), [&](size_t i) { return parts[i].name == "logits"; });
  if (found.size() > 1 && named != found.end()) found = {*named};
  check(!found.empty(), ErrorCode::shape, "the model must give logits [", images, ", classes] for ", images, " images, but gives ",
        describe(output));
  check(found.size() == 1, ErrorCode::shape, "the model gives several values that could be its logits, ", describe(output),
        ": export one that gives its logits alone");
  const auto& [name, logits] = parts[found[0]];
  return {logits.toTensor().size(1), found[0], text("the model gives several values: '", name, "' is taken for its logits")};
}

at::Tensor takeLogits(const c10::IValue& output, const LogitsPlace& place, int64_t images) {
  c10::IValue logits = output;
  if (place.part) {
    const auto parts = partsOf(output);
    logits = *place.part < parts.size() ? parts[*place.part].value : c10::IValue();
  }
  check(isLogits(logits, images) && logits.toTensor().size(1) == place.classes, ErrorCode::shape, "the model must give logits [", images,
        ", ", place.classes, "] for ", images, " images, but gives ", describe(output));
  return logits.toTensor();
}

}  // namespace cumulens
