#include "core/cnn/preprocess.h"

#include "core/runtime/error.h"

#include <algorithm>

namespace cumulens {
namespace {

/// One value a channel as a double tensor [1,C,1,1]; an empty list means `fallback` for each.
at::Tensor perChannel(const std::vector<double>& values, int64_t channels, double fallback, const char* name) {
  check(values.empty() || static_cast<int64_t>(values.size()) == channels, ErrorCode::option, "preprocessing.", name,
        " must have one number for each of ", channels, " channels, got ", values.size());
  const at::Tensor list = values.empty() ? at::full({channels}, fallback, at::kDouble) : at::tensor(values, at::kDouble);
  return list.reshape({1, channels, 1, 1});
}

}  // namespace

Preprocessing::Preprocessing(const PreprocessingSpec& spec, int64_t channels, c10::Device device, at::ScalarType dtype)
    : channels_(channels), bgr_(spec.bgr) {
  check(spec.high > spec.low, ErrorCode::option, "preprocessing.range must be [low, high] with low < high, got [", spec.low, ", ",
        spec.high, "]");
  check(std::all_of(spec.std.begin(), spec.std.end(), [](double s) { return s > 0; }), ErrorCode::option,
        "preprocessing.std must be positive");
  const at::Tensor mean = perChannel(spec.mean, channels, 0, "mean"), std = perChannel(spec.std, channels, 1, "std");
  const at::Tensor scale = (spec.high - spec.low) / std, shift = (spec.low - mean) / std;
  const auto options = at::TensorOptions().device(device).dtype(dtype);
  scale_ = scale.to(options);
  scaleOfBytes_ = (scale / 255).to(options);
  shift_ = shift.to(options);
  identity_ = at::equal(scale, at::ones_like(scale)) && at::equal(shift, at::zeros_like(shift));
}

at::Tensor Preprocessing::toNetwork(const at::Tensor& images) const {
  // Bytes cross to the device before they grow to floats.
  const at::Tensor x = images.to(scale_.device()).to(scale_.scalar_type());
  if (channels_ == 1 && x.size(1) == 3) {
    const at::Tensor luma = at::tensor({0.299, 0.587, 0.114}, x.options()).reshape({1, 3, 1, 1});
    return (x * luma).sum(1, /*keepdim=*/true);
  }
  return bgr_ ? x.flip(1) : x;
}

void Preprocessing::checkShape(const at::Tensor& images, at::IntArrayRef input) {
  const bool gray = input[0] == 1;
  const bool fits =
      images.dim() == 4 && (images.size(1) == input[0] || (gray && images.size(1) == 3)) && images.sizes().slice(2) == input.slice(1);
  check(fits, ErrorCode::shape, "images must be [N, ", gray ? "1 or 3" : std::to_string(input[0]), ", ", input[1], ", ", input[2],
        "], got ", images.sizes());
}

at::Tensor Preprocessing::apply(const at::Tensor& images) const {
  const bool bytes = images.scalar_type() == at::kByte;
  check(bytes || images.is_floating_point(), ErrorCode::shape, "images must be uint8 or floating point, got ", images.dtype().name());
  const at::Tensor x = toNetwork(images);
  if (bytes) return at::addcmul(shift_, x, scaleOfBytes_);
  return identity_ ? x : at::addcmul(shift_, x, scale_);
}

}  // namespace cumulens
