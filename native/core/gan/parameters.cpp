#include "core/gan/parameters.h"

#include <c10/core/GradMode.h>

#include "core/runtime/error.h"

namespace cumulens {

at::Tensor Parameters::add(std::vector<std::string> names, const at::Tensor& value) {
  const auto format = value.dim() == 4 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
  at::Tensor leaf = value.detach().clone(format).requires_grad_(true);
  names_.push_back(std::move(names));
  leaves_.push_back(leaf);
  return leaf;
}

int64_t Parameters::count() const {
  int64_t total = 0;
  for (const auto& leaf : leaves_) total += leaf.numel();
  return total;
}

StateDict Parameters::named(const std::vector<at::Tensor>& values) const {
  StateDict state;
  for (size_t i = 0; i < names_.size(); ++i) {
    const auto pieces = values[i].detach().chunk(static_cast<int64_t>(names_[i].size()), 0);
    for (size_t j = 0; j < pieces.size(); ++j) state.emplace(names_[i][j], pieces[j].clone(at::MemoryFormat::Contiguous));
  }
  return state;
}

void Parameters::load(const StateDict& state, const std::string& what) {
  const c10::NoGradGuard noGrad;
  StateDict unknown = state;
  for (size_t i = 0; i < names_.size(); ++i) {
    const auto pieces = leaves_[i].detach().chunk(static_cast<int64_t>(names_[i].size()), 0);
    for (size_t j = 0; j < pieces.size(); ++j) {
      const std::string& name = names_[i][j];
      const auto found = unknown.extract(name);
      check(!found.empty(), ErrorCode::format, what, ": the tensor '", name, "' is missing");
      check(found.mapped().sizes() == pieces[j].sizes(), ErrorCode::format, what, ": '", name, "' has shape ", found.mapped().sizes(),
            ", expected ", pieces[j].sizes());
      pieces[j].copy_(found.mapped());
    }
  }
  check(unknown.empty(), ErrorCode::format, what, ": unknown tensor '", unknown.empty() ? "" : unknown.begin()->first, "'");
}

}  // namespace cumulens
