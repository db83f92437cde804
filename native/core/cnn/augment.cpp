#include "core/cnn/augment.h"

namespace cumulens {

at::Tensor augment(const at::Tensor& images, const AugmentOptions& options, const at::Generator& generator) {
  if (!options.flip && options.cropPadding == 0) return images;
  const int64_t batch = images.size(0), height = images.size(2), width = images.size(3), padding = options.cropPadding;
  const auto index = images.options().dtype(at::kLong);
  const auto draw = [&](int64_t high) { return at::randint(high, {batch, 1}, generator, index); };

  // Where each output row and column comes from in the padded picture: one gather does both changes.
  const at::Tensor rows = at::arange(height, index).unsqueeze(0) + draw(2 * padding + 1);
  at::Tensor columns = at::arange(width, index).unsqueeze(0).expand({batch, width});
  if (options.flip) columns = at::where(draw(2) == 1, width - 1 - columns, columns);
  columns = columns + draw(2 * padding + 1);

  const at::Tensor padded = at::constant_pad_nd(images, {padding, padding, padding, padding}, 0);
  const at::Tensor samples = at::arange(batch, index).reshape({batch, 1, 1, 1});
  const at::Tensor channels = at::arange(images.size(1), index).reshape({1, -1, 1, 1});
  return at::index(padded, {samples, channels, rows.reshape({batch, 1, height, 1}), columns.reshape({batch, 1, 1, width})});
}

}  // namespace cumulens
