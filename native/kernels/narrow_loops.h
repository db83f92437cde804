#pragma once

#include <cstdint>

namespace cumulens::kernels {

/// Channels that a register holds, or two or four where registers are smaller. The loops below take panels of one or two registers.
constexpr int64_t kNarrowLanes = 8;

/// Pixels of channels-last images as a window passes over them: neighbours `pixel` values apart, rows `row` values apart.
struct Rows {
  const float* values;
  int64_t pixel;
  int64_t row;
};

/// A pass of a k×k window over `rows` rows of `width` pixels, from the first pixel's first neighbour on. The window's k·inputs values of a
/// row lie together.
struct Pass {
  Rows in;
  int64_t rows;
  int64_t width;
  int64_t kernel;
  int64_t inputs;
};

/// The `vectors`·8 channels of a convolution that its panel of weights [k,k,inputs,vectors·8] makes.
/// @param out the panel's first channel of the first pixel; pixels lie `outputs` values apart
/// @param valid how many of the panel's channels there are; no others are written
void convolvePanel(int64_t vectors, const Pass& pass, const float* weights, const float* bias, float* out, int64_t outputs, int64_t valid);

/// Adds to sums [k,k,inputs,channels], in a panel's `vectors`·8 channels, each of the window's inputs times each channel's gradient.
/// @param grad the panel's first channel of the first pixel; pixels lie `channels` values apart, as the sums of neighbouring inputs do
void addProducts(int64_t vectors, const Pass& pass, const float* grad, int64_t channels, float* sums);

/// Adds each channel's gradients to sums [channels].
void addPixels(const float* grad, int64_t pixels, int64_t channels, float* sums);

}  // namespace cumulens::kernels
