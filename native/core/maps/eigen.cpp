#include "core/maps/layer_map.h"

#include <limits>

namespace cumulens {
namespace {

/// First right singular vector [N,C,1] of the centred matrices X [N,HW,C], by the smaller of their two Gram matrices.
at::Tensor firstRightVector(const at::Tensor& centred) {
  const bool wide = centred.size(2) > centred.size(1);
  const at::Tensor transposed = centred.transpose(1, 2);
  const at::Tensor gram = wide ? at::bmm(centred, transposed) : at::bmm(transposed, centred);
  // eigh sorts ascending: the last column is the principal direction.
  at::Tensor first = std::get<1>(at::linalg_eigh(gram)).slice(2, -1);
  if (!wide) return first;
  const at::Tensor vector = at::bmm(transposed, first);
  return vector / vector.norm(2, {1}, true).clamp_min(std::numeric_limits<double>::min());
}

/// ±1 a sample, [N,1,1], such that the uncentred projection sums to ≥ 0; a tie makes the largest |v_c| positive.
at::Tensor sign(const at::Tensor& sums, const at::Tensor& vector) {
  const at::Tensor total = at::bmm(sums, vector);
  const at::Tensor tie = total.abs() <= 1e-9 * sums.norm(2, {2}, true);
  const at::Tensor largest = vector.gather(1, vector.abs().argmax(1, true));
  return at::where(at::where(tie, largest, total) < 0, -1.0, 1.0);
}

}  // namespace

at::Tensor eigenCam(const at::Tensor& activations, const at::Tensor&) {
  // In double: a Gram matrix squares the condition number.
  const at::Tensor matrix = activations.flatten(2).transpose(1, 2).to(at::kDouble);
  const at::Tensor centred = matrix - matrix.mean(1, true);
  const at::Tensor vector = firstRightVector(centred);
  at::Tensor map = at::bmm(centred, vector) * sign(matrix.sum(1, true), vector);
  // Activations that are constant up to their own rounding have no direction.
  const at::Tensor noise = 1e-6 * matrix.norm(2, {1, 2}, true);
  map = at::where(centred.norm(2, {1, 2}, true) > noise, map, 0.0);
  return map.relu_().reshape({activations.size(0), activations.size(2), activations.size(3)}).to(activations.scalar_type());
}

}  // namespace cumulens
