#include "core/data/compose.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "core/runtime/error.h"
#include "core/runtime/random.h"

namespace cumulens {
namespace {

constexpr std::int64_t kSupersampling = 2;  // a photograph is shrunk by up to 3.6; two samples a pixel and side keep it from aliasing
// About 1 MB of work space an image at 64 × 64: on a CPU a batch should stay in its caches, on a GPU it should fill the device.
constexpr std::int64_t kCpuBatch = 32, kCudaBatch = 512;
constexpr double kMinArea = 0.14, kMaxArea = 0.25;  // of the image, that the garment covers
constexpr double kMaxAngle = 0.2;                   // radians
constexpr double kMinCrop = 0.35, kMaxCrop = 0.9;   // of the photograph's side
constexpr float kOpaque = 24.0F / 255.0F;           // garments are brighter; below, an edge fades

// Order of the uniform numbers drawn for an image. New ones go to the end: what is drawn today stays as it is.
enum Draw {
  kGarment,
  kPhotograph,
  kArea,
  kAngle,
  kFlip,
  kX,
  kY,
  kHue,
  kSaturation,
  kValue,
  kCrop,
  kCropX,
  kCropY,
  kCropFlip,
  kBrightness,
  kRed,
  kGreen,
  kBlue,
  kDraws
};

double between(double uniform, double low, double high) { return low + (uniform * (high - low)); }

std::int64_t pick(double uniform, std::int64_t count) {
  return std::min(static_cast<std::int64_t>(uniform * static_cast<double>(count)), count - 1);
}

// One channel of the colour wheel: HSV to RGB without cases (channel offsets 5, 3, 1).
double hsvChannel(double offset, double hue, double saturation, double value) {
  const double k = std::fmod(offset + (hue * 6.0), 6.0);
  return value * (1.0 - (saturation * std::clamp(std::min(k, 4.0 - k), 0.0, 1.0)));
}

at::Tensor toFloat(const at::Tensor& bytes, c10::Device device) { return bytes.to(device).to(at::kFloat).div_(255.0); }

// Column `i` of the placements, shaped to meet [N,1,1] or [N,1,1,1].
at::Tensor column(const at::Tensor& placements, std::int64_t index, at::IntArrayRef shape) {
  return placements.select(1, index).reshape(shape);
}

}  // namespace

// Affine maps from output coordinates (u, v) in [−1,1] to those that grid_sample reads, and colours: one row of floats an image.
struct Composer::Placement {
  static constexpr std::int64_t kWidth = 16;
  std::int64_t label, garment, photograph;
  std::array<float, kWidth>
      row;  // 0–5 garment: x = r0·u + r1·v + r2, y = r3·u + r4·v + r5; 6–9 photograph: x = r6·u + r7, y = r8·v + r9; 10–12 tint; 13–15 gain
};

Composer::Composer(const ComposeSources& sources, const ComposeOptions& options, c10::Device device) : options_(options), device_(device) {
  const auto& [garments, labels, photographs] = sources;
  check(garments.dim() == 3 && garments.scalar_type() == at::kByte, ErrorCode::shape, "garments: expected uint8 [G,H,W], got ",
        garments.sizes());
  check(garments.size(0) > 0, ErrorCode::shape, "garments: there are none");
  check(labels.dim() == 1 && labels.scalar_type() == at::kLong && labels.size(0) == garments.size(0), ErrorCode::shape,
        "garment labels: expected int64 [", garments.size(0), "], got ", labels.sizes());
  check(photographs.dim() == 4 && photographs.scalar_type() == at::kByte && photographs.size(1) == 3 &&
            photographs.size(2) == photographs.size(3) && photographs.size(0) > 0,
        ErrorCode::shape, "photographs: expected uint8 [M,3,P,P], got ", photographs.sizes());
  check(options.size >= 8 && options.size <= 1024, ErrorCode::option, "size: expected 8 to 1024, got ", options.size);

  photographs_ = photographs.size(0);
  atlas_ = toFloat(photographs, device)
               .permute({1, 0, 2, 3})
               .reshape({1, 3, photographs_ * photographs.size(2), photographs.size(3)})
               .contiguous();

  const at::Tensor value = toFloat(garments, device).unsqueeze(1);
  const at::Tensor alpha = value.div(kOpaque).clamp_max_(1.0);
  layers_ = at::cat({value.mul(0.7).add_(0.3).mul_(alpha), alpha}, 1).contiguous();

  const std::int64_t samples = options.size * kSupersampling;
  centres_ = at::arange(samples, at::TensorOptions().device(device).dtype(at::kFloat))
                 .mul_(2.0)
                 .add_(1.0 - static_cast<double>(samples))
                 .div_(static_cast<double>(samples));

  measure(alpha.squeeze(1).to(at::kCPU));
  const at::Tensor classOf = labels.to(at::kCPU).contiguous();
  garmentsOfClass_.resize(static_cast<std::size_t>(classOf.max().item<std::int64_t>() + 1));
  for (std::int64_t i = 0; i < classOf.size(0); ++i)
    garmentsOfClass_.at(static_cast<std::size_t>(classOf.const_data_ptr<std::int64_t>()[i])).push_back(i);
  for (std::size_t label = 0; label < garmentsOfClass_.size(); ++label) {
    check(!garmentsOfClass_[label].empty(), ErrorCode::format, "garments: class ", label, " has none");
  }
}

// The area and the box of each garment's opaque pixels.
void Composer::measure(const at::Tensor& alpha) {
  const at::Tensor opaque = alpha.gt(0.5);
  const auto middleAndHalf = [](const at::Tensor& used) {  // [G,2]: of the used run along dim 1, from the middle of the axis
    const at::Tensor bytes = used.to(at::kByte);
    const at::Tensor first = bytes.argmax(1).to(at::kDouble);
    const at::Tensor end = (used.size(1) - bytes.flip(1).argmax(1)).to(at::kDouble);
    return at::stack({(first + end - used.size(1)) * 0.5, (end - first) * 0.5}, 1);
  };
  const at::Tensor table =
      at::cat({alpha.sum({1, 2}).to(at::kDouble).unsqueeze(1), middleAndHalf(opaque.any(1)), middleAndHalf(opaque.any(2))}, 1).contiguous();
  const double* row = table.const_data_ptr<double>();
  for (std::int64_t i = 0; i < table.size(0); ++i, row += 5) extents_.push_back({row[0], row[1], row[3], row[2], row[4]});
}

Composer::Placement Composer::place(std::int64_t index) const {
  const at::Tensor draws = at::rand(
      {kDraws}, makeGenerator(at::kCPU, options_.seed, RandomStream::compose, (options_.stream << 48U) | static_cast<std::uint64_t>(index)),
      at::kDouble);
  const double* u = draws.const_data_ptr<double>();
  Placement placement{};
  placement.label = index % static_cast<std::int64_t>(garmentsOfClass_.size());
  const auto& pool = garmentsOfClass_[static_cast<std::size_t>(placement.label)];
  placement.garment = pool[static_cast<std::size_t>(pick(u[kGarment], static_cast<std::int64_t>(pool.size())))];
  placement.photograph = pick(u[kPhotograph], photographs_);

  // The garment: as large as its area asks, but within the image; lengths in image pixels, the centre of its bounding box at (x, y).
  const Extent& extent = extents_[static_cast<std::size_t>(placement.garment)];
  const auto size = static_cast<double>(options_.size);
  const double angle = between(u[kAngle], -kMaxAngle, kMaxAngle);
  const double cosine = std::cos(angle), sine = std::sin(angle), flip = u[kFlip] < 0.5 ? -1.0 : 1.0;
  const double width = (std::abs(cosine) * extent.halfWidth) + (std::abs(sine) * extent.halfHeight);
  const double height = (std::abs(sine) * extent.halfWidth) + (std::abs(cosine) * extent.halfHeight);
  const double wanted = size * std::sqrt(between(u[kArea], kMinArea, kMaxArea) / std::max(extent.area, 1.0));
  const double scale = std::min(wanted, 0.48 * size / std::max(width, height));
  const double x = between(u[kX], width * scale, size - (width * scale)), y = between(u[kY], height * scale, size - (height * scale));

  // Output (u, v) → pixels from the box's centre → turned back, unscaled, unflipped → garment pixels → [−1,1] of its picture.
  const double half = 0.5 * size;
  const double halfX = 0.5 * static_cast<double>(layers_.size(3)), halfY = 0.5 * static_cast<double>(layers_.size(2));
  const double ax = flip * cosine / scale, bx = flip * sine / scale, ay = -sine / scale, by = cosine / scale;
  auto& row = placement.row;
  const auto put = [&row](std::size_t at, std::initializer_list<double> values) {
    std::transform(values.begin(), values.end(), row.begin() + static_cast<std::ptrdiff_t>(at),
                   [](double v) { return static_cast<float>(v); });
  };
  put(0, {ax * half / halfX, bx * half / halfX, ((ax * (half - x)) + (bx * (half - y)) + extent.centreX) / halfX});
  put(3, {ay * half / halfY, by * half / halfY, ((ay * (half - x)) + (by * (half - y)) + extent.centreY) / halfY});

  // The photograph: a square crop at a random place; the atlas holds photograph m in rows [m/M, (m + 1)/M).
  const double crop = between(u[kCrop], kMinCrop, kMaxCrop);
  const double cropX = between(u[kCropX], crop - 1.0, 1.0 - crop), cropY = between(u[kCropY], crop - 1.0, 1.0 - crop);
  const auto count = static_cast<double>(photographs_);
  const double middle = ((2.0 * static_cast<double>(placement.photograph)) + 1.0) / count - 1.0;
  put(6, {u[kCropFlip] < 0.5 ? -crop : crop, cropX, crop / count, middle + (cropY / count)});

  const double saturation = between(u[kSaturation], 0.1, 0.7), value = between(u[kValue], 0.85, 1.0),
               brightness = between(u[kBrightness], 0.3, 0.8);
  put(10, {hsvChannel(0.0, u[kHue], saturation, value), hsvChannel(4.0, u[kHue], saturation, value),
           hsvChannel(2.0, u[kHue], saturation, value)});
  put(13, {brightness * between(u[kRed], 0.8, 1.2), brightness * between(u[kGreen], 0.8, 1.2), brightness * between(u[kBlue], 0.8, 1.2)});
  return placement;
}

// Both samplers write their affine map out as broadcasts: unlike a matrix product, an image's result then cannot depend on its batch.
at::Tensor Composer::samplePhotographs(const at::Tensor& placements) const {
  const std::int64_t count = placements.size(0), samples = centres_.size(0);
  const at::Tensor x = centres_.view({1, 1, samples}) * column(placements, 6, {count, 1, 1}) + column(placements, 7, {count, 1, 1});
  const at::Tensor y = centres_.view({1, samples, 1}) * column(placements, 8, {count, 1, 1}) + column(placements, 9, {count, 1, 1});
  const at::Tensor grid = at::stack({x.expand({count, samples, samples}), y.expand({count, samples, samples})}, 3);
  // The atlas is expanded with stride 0, not copied.
  return at::grid_sampler_2d(atlas_.expand({count, -1, -1, -1}), grid, /*interpolation_mode=bilinear*/ 0, /*padding_mode=border*/ 1,
                             /*align_corners=*/false);
}

at::Tensor Composer::sampleGarments(const at::Tensor& placements, const at::Tensor& which) const {
  const std::int64_t count = placements.size(0), samples = centres_.size(0);
  const at::Tensor u = centres_.view({1, 1, samples}), v = centres_.view({1, samples, 1});
  const auto map = [&](std::int64_t at) {
    return u * column(placements, at, {count, 1, 1}) + v * column(placements, at + 1, {count, 1, 1}) +
           column(placements, at + 2, {count, 1, 1});
  };
  return at::grid_sampler_2d(layers_.index_select(0, which), at::stack({map(0), map(3)}, 3), /*bilinear*/ 0, /*padding_mode=zeros*/ 0,
                             /*align_corners=*/false);
}

ComposedImages Composer::draw(std::int64_t first, std::int64_t count, const CancelToken& token) const {
  check(first >= 0 && count >= 0, ErrorCode::option, "composed images: expected first and count of 0 or more, got ", first, " and ", count);
  const auto bytes = at::TensorOptions().dtype(at::kByte).device(device_);
  ComposedImages result{at::empty({count, 3, options_.size, options_.size}, bytes),
                        at::empty({count, 1, options_.size, options_.size}, bytes), at::empty({count}, at::kLong),
                        at::empty({count}, at::kLong), at::empty({count}, at::kLong)};
  const auto quantise = [](const at::Tensor& supersampled) {
    return at::avg_pool2d(supersampled, kSupersampling).mul_(255.0).clamp_(0.0, 255.0).round_();
  };
  const std::int64_t batch = device_.is_cuda() ? kCudaBatch : kCpuBatch;
  for (std::int64_t begin = 0; begin < count; begin += batch) {
    token.check();
    const std::int64_t size = std::min(batch, count - begin);
    at::Tensor rows = at::empty({size, Placement::kWidth});
    for (std::int64_t i = 0; i < size; ++i) {
      const Placement placement = place(first + begin + i);
      std::copy(placement.row.begin(), placement.row.end(), rows.mutable_data_ptr<float>() + (i * Placement::kWidth));
      result.labels.mutable_data_ptr<std::int64_t>()[begin + i] = placement.label;
      result.garments.mutable_data_ptr<std::int64_t>()[begin + i] = placement.garment;
      result.photographs.mutable_data_ptr<std::int64_t>()[begin + i] = placement.photograph;
    }
    rows = rows.to(device_);
    const at::Tensor garments = sampleGarments(rows, result.garments.slice(0, begin, begin + size).to(device_));
    const at::Tensor shade = garments.slice(1, 0, 1), alpha = garments.slice(1, 1, 2);
    const at::Tensor gain = rows.slice(1, 13, 16).reshape({size, 3, 1, 1}), tint = rows.slice(1, 10, 13).reshape({size, 3, 1, 1});
    const at::Tensor background = samplePhotographs(rows).mul_(gain).clamp_max_(1.0);
    result.images.slice(0, begin, begin + size).copy_(quantise(background.mul_(1.0 - alpha).add_(shade * tint)));
    result.masks.slice(0, begin, begin + size).copy_(quantise(alpha));
  }
  return result;
}

}  // namespace cumulens
