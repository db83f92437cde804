#include "core/gan/conditioning.h"

namespace cumulens {

namespace {
constexpr double kCondNetSlope = 0.1;
}  // namespace

CondNet::CondNet(Builder& builder, int64_t inputs, int64_t hidden, int64_t features) {
  layers_.emplace_back(builder, "cond_net.0", inputs, hidden, 4);
  for (const char* name : {"cond_net.1", "cond_net.2", "cond_net.3"}) layers_.emplace_back(builder, name, hidden, hidden, 1);
  layers_.emplace_back(builder, "cond_net.4", hidden, features, 3);
}

at::Tensor CondNet::operator()(const at::Tensor& conditions, const CancelToken& cancel) const {
  at::Tensor features = conditions;
  for (size_t i = 0; i + 1 < layers_.size(); ++i) {
    features = watched(leakyReluInPlace(layers_[i](features), kCondNetSlope), cancel);
  }
  return layers_.back()(features);
}

}  // namespace cumulens
