#include "kernels/impute.h"

#include <ATen/Parallel.h>

#include <array>
#include <vector>

// One binary for every x86-64: the linker takes the widest vectors that the machine has.
#if defined(__x86_64__) && defined(__GNUC__)
#define CUMULENS_WIDEST __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define CUMULENS_WIDEST
#endif

namespace cumulens::kernels {

namespace {

/// Sums are kept in so many lanes, which the compiler may add at once: it must not reorder a single one.
constexpr int64_t kLanes = 16;

/// Working memory of one plane, padded with zeros: a row above and below, and each row by a pixel or more, which its neighbour's left
/// border is too, to whole lanes. So no loop has a border or a rest.
class Plane {
 public:
  Plane(int64_t height, int64_t width)
      : height_(height), width_(width), stride_((width + kLanes) / kLanes * kLanes), cells_((height + 2) * stride_ + 2 * kLanes) {
    for (auto* field : {&weight_, &free_, &value_, &residual_, &direction_, &product_}) field->assign(static_cast<size_t>(cells_), 0.0F);
  }

  /// Takes the missing pixels of a plane; several planes may share them.
  void setMissing(const bool* missing);
  /// Solves for the missing pixels of `pixels` in place.
  void fill(float* pixels, const bool* missing, double tolerance);

 private:
  int64_t at(int64_t y, int64_t x) const { return kLanes + (y + 1) * stride_ + x; }
  void begin(const float* pixels, const bool* missing);

  int64_t height_, width_, stride_, cells_;
  int64_t first_ = 0, last_ = 0;  // cells from the first row with a missing pixel to the end of the last, in whole lanes
  std::vector<float> weight_;     // of the neighbours there are: 1, less at the border
  std::vector<float> free_;       // 1 where a pixel is missing
  std::vector<float> value_, residual_, direction_, product_;
};

/// Neighbours' weighted sum at cell i.
inline float around(const float* v, int64_t i, int64_t stride) {
  const float edges = (v[i - 1] + v[i + 1]) + (v[i - stride] + v[i + stride]);
  const float corners = (v[i - stride - 1] + v[i - stride + 1]) + (v[i + stride - 1] + v[i + stride + 1]);
  return edges * (1.0F / 6) + corners * (1.0F / 12);
}

double total(const std::array<float, kLanes>& lanes) {
  double sum = 0;
  for (const float lane : lanes) sum += static_cast<double>(lane);
  return sum;
}

/// product = A·direction. @returns direction · product
CUMULENS_WIDEST double apply(const float* __restrict direction, const float* __restrict weight, const float* __restrict free,
                             float* __restrict product, int64_t first, int64_t last, int64_t stride) {
  std::array<float, kLanes> lanes{};
  for (int64_t i = first; i < last; i += kLanes) {
    for (int64_t k = 0; k < kLanes; ++k) {
      const int64_t j = i + k;
      product[j] = free[j] * (weight[j] * direction[j] - around(direction, j, stride));
      lanes[static_cast<size_t>(k)] += direction[j] * product[j];
    }
  }
  return total(lanes);
}

/// value += step·direction, residual −= step·product. @returns residual · residual
CUMULENS_WIDEST double advance(float step, const float* __restrict direction, const float* __restrict product, float* __restrict value,
                               float* __restrict residual, int64_t first, int64_t last) {
  std::array<float, kLanes> lanes{};
  for (int64_t i = first; i < last; i += kLanes) {
    for (int64_t k = 0; k < kLanes; ++k) {
      const int64_t j = i + k;
      value[j] += step * direction[j];
      residual[j] -= step * product[j];
      lanes[static_cast<size_t>(k)] += residual[j] * residual[j];
    }
  }
  return total(lanes);
}

/// direction = residual + share·direction
CUMULENS_WIDEST void turn(float share, const float* __restrict residual, float* __restrict direction, int64_t first, int64_t last) {
  for (int64_t i = first; i < last; ++i) direction[i] = residual[i] + share * direction[i];
}

void Plane::setMissing(const bool* missing) {
  int64_t top = height_, bottom = 0;
  // Neighbours of a pixel are those of a plane of ones.
  std::fill(value_.begin(), value_.end(), 0.0F);
  for (int64_t y = 0; y < height_; ++y) std::fill_n(value_.begin() + at(y, 0), width_, 1.0F);
  for (int64_t y = 0; y < height_; ++y) {
    for (int64_t x = 0; x < width_; ++x) {
      const auto cell = static_cast<size_t>(at(y, x));
      const bool gone = missing[y * width_ + x];
      weight_[cell] = around(value_.data(), at(y, x), stride_);
      free_[cell] = gone ? 1.0F : 0.0F;
      if (gone) {
        top = std::min(top, y);
        bottom = y + 1;
      }
    }
  }
  first_ = top < bottom ? at(top, 0) : 0;
  last_ = top < bottom ? at(bottom, 0) : 0;
}

/// The known pixels' part of the system becomes the residual of zeros.
void Plane::begin(const float* pixels, const bool* missing) {
  for (auto* field : {&value_, &residual_, &direction_, &product_}) std::fill(field->begin(), field->end(), 0.0F);
  for (int64_t y = 0; y < height_; ++y) {
    for (int64_t x = 0; x < width_; ++x) {
      const int64_t pixel = y * width_ + x;
      if (!missing[pixel]) product_[static_cast<size_t>(at(y, x))] = pixels[pixel];
    }
  }
  for (int64_t i = first_; i < last_; ++i) {
    const auto cell = static_cast<size_t>(i);
    residual_[cell] = free_[cell] * around(product_.data(), i, stride_);
    direction_[cell] = residual_[cell];
  }
}

void Plane::fill(float* pixels, const bool* missing, double tolerance) {
  begin(pixels, missing);
  double squares = 0;
  for (int64_t i = first_; i < last_; ++i) {
    const auto value = static_cast<double>(residual_[static_cast<size_t>(i)]);
    squares += value * value;
  }
  const double enough = tolerance * tolerance * squares;
  // In exact arithmetic as many steps as there are unknowns would do; far fewer are taken.
  for (int64_t step = 0; step < height_ * width_ && squares > enough; ++step) {
    const double curvature = apply(direction_.data(), weight_.data(), free_.data(), product_.data(), first_, last_, stride_);
    if (!(curvature > 0)) break;
    const double before = squares;
    squares = advance(static_cast<float>(squares / curvature), direction_.data(), product_.data(), value_.data(), residual_.data(), first_,
                      last_);
    turn(static_cast<float>(squares / before), residual_.data(), direction_.data(), first_, last_);
  }
  for (int64_t y = 0; y < height_; ++y) {
    for (int64_t x = 0; x < width_; ++x) {
      if (missing[y * width_ + x]) pixels[y * width_ + x] = value_[static_cast<size_t>(at(y, x))];
    }
  }
}

}  // namespace

at::Tensor imputePlanes(const at::Tensor& planes, const at::Tensor& missing, double tolerance, const CancelToken& cancel) {
  at::Tensor filled = planes.contiguous().clone();
  const at::Tensor gone = missing.contiguous();
  const int64_t height = planes.size(2), width = planes.size(3), channels = planes.size(1), pixels = height * width;
  auto* values = filled.mutable_data_ptr<float>();
  const auto* flags = gone.const_data_ptr<bool>();
  at::parallel_for(0, planes.size(0), 1, [&](int64_t begin, int64_t end) {
    Plane plane(height, width);
    for (int64_t image = begin; image < end; ++image) {
      const bool* const own = flags + image * pixels;
      plane.setMissing(own);
      for (int64_t channel = 0; channel < channels && !cancel.cancelled(); ++channel)
        plane.fill(values + (image * channels + channel) * pixels, own, tolerance);
    }
  });
  cancel.check();
  return filled;
}

}  // namespace cumulens::kernels
