#include "core/maps/layer_map.h"

namespace cumulens {

at::Tensor hiResCam(const at::Tensor& activations, const at::Tensor& gradients) { return (gradients * activations).sum(1).relu_(); }

at::Tensor layerCam(const at::Tensor& activations, const at::Tensor& gradients) {
  return (at::relu(gradients) * activations).sum(1).relu_();
}

}  // namespace cumulens
