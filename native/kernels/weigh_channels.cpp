#include "kernels/weigh_channels.h"

#include "kernels/simd.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <array>

namespace cumulens::kernels {
namespace {

constexpr int64_t kValuesATime = 1 << 15;  // that a thread takes: large enough to hide the hand-over
constexpr size_t kPartialSums = 16;        // sums side by side, as the widest registers hold: the order of additions is the same everywhere

/// Channels last: a pixel's channels lie together, [pixels,C].
CUMULENS_SIMD void weighTogether(const float* __restrict values, const float* __restrict weights, int64_t channels, int64_t pixels,
                                 float* __restrict out) {
  const int64_t whole = channels - channels % static_cast<int64_t>(kPartialSums);
  for (int64_t pixel = 0; pixel < pixels; ++pixel, values += channels) {
    std::array<float, kPartialSums> lanes{};
    for (int64_t c = 0; c < whole; c += static_cast<int64_t>(kPartialSums)) {
      for (size_t lane = 0; lane < kPartialSums; ++lane)
        lanes[lane] += weights[c + static_cast<int64_t>(lane)] * values[c + static_cast<int64_t>(lane)];
    }
    float sum = 0.0F;
    for (int64_t c = whole; c < channels; ++c) sum += weights[c] * values[c];
    for (const float lane : lanes) sum += lane;
    out[pixel] = sum;
  }
}

/// Channels first: a channel's pixels lie together, and its neighbour's lie `apart`.
CUMULENS_SIMD void weighApart(const float* __restrict values, const float* __restrict weights, int64_t channels, int64_t apart,
                              int64_t pixels, float* __restrict out) {
  std::fill_n(out, pixels, 0.0F);
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t pixel = 0; pixel < pixels; ++pixel) out[pixel] += weights[c] * values[c * apart + pixel];
  }
}

}  // namespace

at::Tensor weighChannels(const at::Tensor& weights, const at::Tensor& activations) {
  TORCH_CHECK(activations.dim() == 4 && weights.sizes() == activations.sizes().slice(0, 2), "weighChannels: ", weights.sizes(), " × ",
              activations.sizes());
  const bool together = activations.is_contiguous(at::MemoryFormat::ChannelsLast);
  const at::Tensor dense = together ? activations : activations.contiguous();
  const at::Tensor each = weights.contiguous();
  const int64_t images = dense.size(0), channels = dense.size(1), pixels = dense.size(2) * dense.size(3);
  at::Tensor out = at::empty({images, dense.size(2), dense.size(3)}, dense.options());
  const float *const values = dense.const_data_ptr<float>(), *const weight = each.const_data_ptr<float>();
  float* const sums = out.mutable_data_ptr<float>();
  const int64_t block = std::max<int64_t>(kValuesATime / std::max<int64_t>(channels, 1), 1);
  const int64_t blocks = (pixels + block - 1) / block;
  const int64_t grain = std::max<int64_t>(kValuesATime / std::max<int64_t>(channels * std::min(block, pixels), 1), 1);
  at::parallel_for(0, images * blocks, grain, [=](int64_t begin, int64_t end) {
    for (int64_t job = begin; job < end; ++job) {
      const int64_t image = job / blocks, first = job % blocks * block, count = std::min(block, pixels - first);
      const float* const from = values + image * channels * pixels;
      float* const to = sums + image * pixels + first;
      if (together)
        weighTogether(from + first * channels, weight + image * channels, channels, count, to);
      else
        weighApart(from + first, weight + image * channels, channels, pixels, count, to);
    }
  });
  return out;
}

}  // namespace cumulens::kernels
