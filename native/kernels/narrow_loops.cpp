#include "kernels/narrow_loops.h"

#include "kernels/simd.h"

#include <cstring>

namespace cumulens::kernels {
namespace {

constexpr int kSums = 8;  // registers that are added to side by side: one alone would wait for itself

// At any address of floats.
using Vector = float __attribute__((vector_size(kNarrowLanes * sizeof(float)), aligned(alignof(float)), may_alias));

/// `kPixels` pixels beside each other, `kVectors`·8 channels of each, of which `valid` are there.
template <int kPixels, int kVectors>
[[gnu::always_inline]] inline void tile(const Pass& pass, const float* __restrict values, const float* __restrict weights,
                                        const float* __restrict bias, float* __restrict out, int64_t outputs, int64_t valid) {
  Vector sums[kPixels][kVectors];
  for (int p = 0; p < kPixels; ++p)
    for (int v = 0; v < kVectors; ++v) sums[p][v] = *reinterpret_cast<const Vector*>(bias + v * kNarrowLanes);
  const int64_t ofRow = pass.kernel * pass.inputs;
  for (int64_t y = 0; y < pass.kernel; ++y) {
    const float* const row = values + y * pass.in.row;
    for (int64_t j = 0; j < ofRow; ++j, weights += kVectors * kNarrowLanes) {
      for (int v = 0; v < kVectors; ++v) {
        const Vector weight = *reinterpret_cast<const Vector*>(weights + v * kNarrowLanes);
        for (int p = 0; p < kPixels; ++p) sums[p][v] += row[p * pass.in.pixel + j] * weight;
      }
    }
  }
  for (int p = 0; p < kPixels; ++p) {
    if (valid == kVectors * kNarrowLanes) {
      for (int v = 0; v < kVectors; ++v) *reinterpret_cast<Vector*>(out + p * outputs + v * kNarrowLanes) = sums[p][v];
    } else {
      std::memcpy(out + p * outputs, sums[p], static_cast<size_t>(valid) * sizeof(float));
    }
  }
}

/// A row of `left` pixels in tiles of kPixels, and what is left over in smaller ones.
template <int kPixels, int kVectors>
[[gnu::always_inline]] inline void tiles(const Pass& pass, const float* values, int64_t left, const float* weights, const float* bias,
                                         float* out, int64_t outputs, int64_t valid) {
  for (; left >= kPixels; left -= kPixels, values += kPixels * pass.in.pixel, out += kPixels * outputs)
    tile<kPixels, kVectors>(pass, values, weights, bias, out, outputs, valid);
  if constexpr (kPixels > 1) tiles<kPixels / 2, kVectors>(pass, values, left, weights, bias, out, outputs, valid);
}

template <int kVectors>
[[gnu::always_inline]] inline void panel(const Pass& pass, const float* weights, const float* bias, float* out, int64_t outputs,
                                         int64_t valid) {
  for (int64_t y = 0; y < pass.rows; ++y, out += pass.width * outputs)
    tiles<kSums / kVectors, kVectors>(pass, pass.in.values + y * pass.in.row, pass.width, weights, bias, out, outputs, valid);
}

CUMULENS_SIMD void panelOf8(const Pass& pass, const float* weights, const float* bias, float* out, int64_t outputs, int64_t valid) {
  panel<1>(pass, weights, bias, out, outputs, valid);
}

CUMULENS_SIMD void panelOf16(const Pass& pass, const float* weights, const float* bias, float* out, int64_t outputs, int64_t valid) {
  panel<2>(pass, weights, bias, out, outputs, valid);
}

/// Adds to sums [kValues,kVectors·8] each of `kValues` neighbouring inputs times each channel's gradient, over all pixels.
template <int kValues, int kVectors>
[[gnu::always_inline]] inline void products(const Pass& pass, const float* first, const float* grad, int64_t channels, float* sums) {
  Vector local[kValues][kVectors] = {};
  for (int64_t y = 0; y < pass.rows; ++y, first += pass.in.row) {
    const float* value = first;
    for (int64_t x = 0; x < pass.width; ++x, value += pass.in.pixel, grad += channels) {
      for (int v = 0; v < kVectors; ++v) {
        const Vector g = *reinterpret_cast<const Vector*>(grad + v * kNarrowLanes);
        for (int j = 0; j < kValues; ++j) local[j][v] += value[j] * g;
      }
    }
  }
  for (int j = 0; j < kValues; ++j)
    for (int v = 0; v < kVectors; ++v) *reinterpret_cast<Vector*>(sums + j * channels + v * kNarrowLanes) += local[j][v];
}

/// The products of `left` neighbouring inputs, kValues at a time, and of what is left over in smaller parts.
template <int kValues, int kVectors>
[[gnu::always_inline]] inline void productsOfRow(const Pass& pass, const float* first, int64_t left, const float* grad, int64_t channels,
                                                 float* sums) {
  for (; left >= kValues; left -= kValues, first += kValues, sums += kValues * channels)
    products<kValues, kVectors>(pass, first, grad, channels, sums);
  if constexpr (kValues > 1) productsOfRow<kValues / 2, kVectors>(pass, first, left, grad, channels, sums);
}

template <int kVectors>
[[gnu::always_inline]] inline void productsOfWindow(const Pass& pass, const float* grad, int64_t channels, float* sums) {
  const int64_t ofRow = pass.kernel * pass.inputs;
  for (int64_t y = 0; y < pass.kernel; ++y, sums += ofRow * channels)
    productsOfRow<kSums / kVectors, kVectors>(pass, pass.in.values + y * pass.in.row, ofRow, grad, channels, sums);
}

CUMULENS_SIMD void productsOf8(const Pass& pass, const float* grad, int64_t channels, float* sums) {
  productsOfWindow<1>(pass, grad, channels, sums);
}

CUMULENS_SIMD void productsOf16(const Pass& pass, const float* grad, int64_t channels, float* sums) {
  productsOfWindow<2>(pass, grad, channels, sums);
}

CUMULENS_SIMD void sumPixels(const float* grad, int64_t pixels, int64_t channels, float* sums) {
  for (int64_t pixel = 0; pixel < pixels; ++pixel, grad += channels)
    for (int64_t c = 0; c < channels; ++c) sums[c] += grad[c];
}

}  // namespace

void convolvePanel(int64_t vectors, const Pass& pass, const float* weights, const float* bias, float* out, int64_t outputs, int64_t valid) {
  (vectors == 1 ? panelOf8 : panelOf16)(pass, weights, bias, out, outputs, valid);
}

void addProducts(int64_t vectors, const Pass& pass, const float* grad, int64_t channels, float* sums) {
  (vectors == 1 ? productsOf8 : productsOf16)(pass, grad, channels, sums);
}

void addPixels(const float* grad, int64_t pixels, int64_t channels, float* sums) { sumPixels(grad, pixels, channels, sums); }

}  // namespace cumulens::kernels
