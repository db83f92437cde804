#include "core/cnn/init.h"

#include <cmath>

namespace cumulens {

at::Tensor initialise(const ParameterSpec& spec, const at::Generator& generator) {
  at::Tensor tensor = at::empty(spec.shape, at::kFloat);
  const auto fanIn = static_cast<double>(tensor.numel()) / static_cast<double>(spec.shape.at(0));
  switch (spec.init) {
    case Init::heNormal:
      return tensor.normal_(0, std::sqrt(2 / fanIn), generator);
    case Init::fanInUniform:
      return tensor.uniform_(-1 / std::sqrt(fanIn), 1 / std::sqrt(fanIn), generator);
    case Init::zeros:
      return tensor.zero_();
    case Init::quarters:
      return tensor.fill_(0.25);
    case Init::ones:
      break;
  }
  return tensor.fill_(1);
}

}  // namespace cumulens
