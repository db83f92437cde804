#include "core/cnn/script/state.h"

#include "core/runtime/error.h"

#include <unordered_map>

namespace cumulens {
namespace {

using c10::IValue;

/// Copies what a module is made of, objects and containers, with other tensors in it.
class StateCopier {
 public:
  explicit StateCopier(MapTensor map) : map_(std::move(map)) {}

  IValue copy(const IValue& value, const std::string& name) {
    if (value.isTensor()) return value.toTensor().defined() ? map_(value.toTensor(), name) : value;
    if (value.isObject()) return copyObject(value.toObject(), name);
    if (value.isTensorList()) {
      auto list = value.toTensorList().copy();
      for (size_t i = 0; i < list.size(); ++i) list.set(i, copy(list.get(i), join(name, std::to_string(i))).toTensor());
      return list;
    }
    if (value.isList()) {
      auto list = value.toList().copy();
      for (size_t i = 0; i < list.size(); ++i) list.set(i, copy(list.get(i), join(name, std::to_string(i))));
      return list;
    }
    if (value.isGenericDict()) {
      auto dict = value.toGenericDict().copy();
      for (const auto& entry : dict)
        entry.setValue(copy(entry.value(), join(name, entry.key().isString() ? entry.key().toStringRef() : "")));
      return dict;
    }
    if (value.isTuple()) {
      std::vector<IValue> elements = value.toTupleRef().elements().vec();
      for (size_t i = 0; i < elements.size(); ++i) elements[i] = copy(elements[i], join(name, std::to_string(i)));
      return c10::ivalue::Tuple::create(std::move(elements));
    }
    return value;
  }

 private:
  static std::string join(const std::string& path, const std::string& name) { return path.empty() ? name : path + "." + name; }

  IValue copyObject(const c10::intrusive_ptr<c10::ivalue::Object>& object, const std::string& name) {
    const auto [found, added] = objects_.try_emplace(object.get());
    if (!added) return found->second;
    const auto copied = found->second = object->copy();
    for (size_t i = 0; i < object->type()->numAttributes(); ++i) {
      copied->setSlot(i, copy(object->getSlot(i), join(name, object->type()->getAttributeName(i))));
    }
    return copied;
  }

  MapTensor map_;
  std::unordered_map<const void*, c10::intrusive_ptr<c10::ivalue::Object>> objects_;
};

}  // namespace

at::Tensor Placement::place(const at::Tensor& tensor) const {
  check(tensor.layout() == c10::kStrided && !tensor.is_quantized(), ErrorCode::format, "has quantised or sparse tensors: export the plain ",
        "float model");
  const bool cast = tensor.is_floating_point() && tensor.dim() > 0;
  const at::Tensor moved = tensor.detach().to(device, cast ? dtype : tensor.scalar_type());
  return moved.dim() == 4 ? moved.contiguous(at::MemoryFormat::ChannelsLast) : moved;
}

IValue mapTensors(const IValue& value, const MapTensor& map) { return StateCopier(map).copy(value, ""); }

torch::jit::Module mapState(const torch::jit::Module& module, std::map<std::string, at::Tensor>& state, const MapTensor& map) {
  std::unordered_map<const void*, at::Tensor> mapped;
  StateCopier copier([&](const at::Tensor& tensor, const std::string& name) {
    const auto [found, added] = mapped.try_emplace(tensor.unsafeGetTensorImpl());
    if (added) {
      found->second = map(tensor, name);
      state.emplace(name, found->second);
    }
    return found->second;
  });
  return torch::jit::Module(copier.copy(module._ivalue(), "").toObject());
}

}  // namespace cumulens
