#include "kernels/narrow_conv.h"

#include "kernels/narrow_loops.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace cumulens::kernels {
namespace {

constexpr int64_t kMostWeights = 256;  // of a pixel of the kernel: with more channels oneDNN's own loops are as fast
constexpr int64_t kMostKernel = 7;
constexpr int64_t kWorkOfBand = 1 << 20;  // products of some rows of an image: many beside the copying of the rows around them
constexpr int64_t kValuesOfBand = 4096;   // values of rows that are gone over again and again: what the innermost cache holds
constexpr int64_t kWorkATime = 1 << 17;   // products that are worth the hand-over to a thread: some 5 µs
constexpr int64_t kMostParts = 32;        // that the weights' gradient is summed up in

int64_t roundedUp(int64_t channels) { return (channels + kNarrowLanes - 1) / kNarrowLanes * kNarrowLanes; }

/// Images as they lie in memory: channels together, pixels `pixel` values apart.
struct Images {
  at::Tensor held;
  const float* values;
  int64_t count, channels, height, width, pixel;

  explicit Images(const at::Tensor& x) : held(x), count(x.size(0)), channels(x.size(1)), height(x.size(2)), width(x.size(3)) {
    // A slice of the channels is taken as it lies.
    const bool together =
        channels > 1 && width > 1 && x.stride(1) == 1 && x.stride(2) == width * x.stride(3) && x.stride(0) == height * x.stride(2);
    if (!together) held = x.contiguous(at::MemoryFormat::ChannelsLast);
    pixel = together ? x.stride(3) : channels;
    values = held.const_data_ptr<float>();
  }

  const float* row(int64_t image, int64_t y) const { return values + (image * height + y) * width * pixel; }
};

/// Cuts the rows of all images into bands, so that one image too keeps several threads busy.
struct Bands {
  int64_t rows, ofImage, count;

  Bands(const Images& x, int64_t pixels)
      : rows(std::clamp<int64_t>(pixels / std::max<int64_t>(x.width, 1), 1, std::max<int64_t>(x.height, 1))),
        ofImage((x.height + rows - 1) / rows),
        count(ofImage * x.count),
        width_(x.width),
        height_(x.height) {}

  int64_t firstRow(int64_t band) const { return band % ofImage * rows; }

  /// Of all images' pixels, the band's first.
  int64_t firstPixel(int64_t band) const { return (band / ofImage * height_ + firstRow(band)) * width_; }

 private:
  int64_t width_, height_;
};

/// How many of `parts`, of so many products together, a thread takes at least.
int64_t grain(int64_t parts, int64_t products) { return products == 0 ? 1 : (kWorkATime * parts + products - 1) / products; }

/// Copies bands of images to where zeros are around them.
class Padded {
 public:
  Padded(const Images& x, const Bands& bands, int64_t kernel, int64_t before)
      : x_(x), bands_(bands), kernel_(kernel), before_(before), width_(x.width + kernel - 1) {
    if (kernel_ > 1) values_.resize(static_cast<size_t>((bands.rows + kernel - 1) * width_ * x.channels));
  }

  /// The window's pass over a band, good until the next is asked for.
  Pass over(int64_t band) {
    const int64_t image = band / bands_.ofImage, first = bands_.firstRow(band), rows = std::min(bands_.rows, x_.height - first);
    const auto pass = [&](const Rows& in) { return Pass{in, rows, x_.width, kernel_, x_.channels}; };
    if (kernel_ == 1) return pass({x_.row(image, first), x_.pixel, x_.width * x_.pixel});
    const int64_t stride = width_ * x_.channels;
    for (int64_t y = 0; y < rows + kernel_ - 1; ++y) {
      float* const to = values_.data() + y * stride;
      const int64_t from = first + y - before_;
      if (from < 0 || from >= x_.height)
        std::fill_n(to, stride, 0.0F);
      else
        copyRow(x_.row(image, from), to + before_ * x_.channels);
    }
    return pass({values_.data(), x_.channels, stride});
  }

 private:
  void copyRow(const float* from, float* to) const {
    const int64_t channels = x_.channels, left = before_ * channels, right = (kernel_ - 1 - before_) * channels;
    std::fill_n(to - left, left, 0.0F);
    if (x_.pixel == channels)
      std::copy_n(from, x_.width * channels, to);
    else
      for (int64_t x = 0; x < x_.width; ++x) std::copy_n(from + x * x_.pixel, channels, to + x * channels);
    std::fill_n(to + x_.width * channels, right, 0.0F);
  }

  const Images& x_;
  const Bands& bands_;
  int64_t kernel_, before_, width_;
  std::vector<float> values_;
};

/// Registers of the panel that begins with channel `first`: a pair, or a single one where 8 channels or fewer are left.
int64_t vectorsOf(int64_t first, int64_t outputs) { return outputs - first > kNarrowLanes ? 2 : 1; }

/// Weights as the loops meet them, [panel][ky][kx][input][channel of the panel], zeros where a panel is not full.
template <typename Get>
std::vector<float> packed(int64_t outputs, int64_t inputs, int64_t kernel, const Get& get) {
  std::vector<float> result(static_cast<size_t>(roundedUp(outputs) * inputs * kernel * kernel));
  float* to = result.data();
  for (int64_t first = 0; first < outputs;) {
    const int64_t width = vectorsOf(first, outputs) * kNarrowLanes, valid = std::min(width, outputs - first);
    for (int64_t ky = 0; ky < kernel; ++ky)
      for (int64_t kx = 0; kx < kernel; ++kx)
        for (int64_t i = 0; i < inputs; ++i, to += width)
          for (int64_t o = 0; o < valid; ++o) to[o] = get(first + o, ky, kx, i);
    first += width;
  }
  return result;
}

at::Tensor convolve(const at::Tensor& input, int64_t outputs, int64_t kernel, int64_t before, const std::vector<float>& weights,
                    const std::vector<float>& bias) {
  const Images x(input);
  const int64_t area = kernel * kernel * x.channels;
  const Bands bands(x, kWorkOfBand / (area * outputs));
  at::Tensor result = at::empty({x.count, outputs, x.height, x.width}, input.options(), at::MemoryFormat::ChannelsLast);
  float* const out = result.mutable_data_ptr<float>();
  const int64_t products = x.count * x.height * x.width * area * outputs;
  at::parallel_for(0, bands.count, grain(bands.count, products), [&](int64_t begin, int64_t end) {
    Padded padded(x, bands, kernel, before);
    for (int64_t band = begin; band < end; ++band) {
      const Pass pass = padded.over(band);
      float* const to = out + bands.firstPixel(band) * outputs;
      for (int64_t o = 0; o < outputs;) {
        const int64_t vectors = vectorsOf(o, outputs), width = vectors * kNarrowLanes;
        convolvePanel(vectors, pass, weights.data() + o * area, bias.data() + o, to + o, outputs, std::min(width, outputs - o));
        o += width;
      }
    }
  });
  return result;
}

}  // namespace

bool isNarrow(const at::Tensor& x, const at::Tensor& weight) {
  const auto fits = [](const at::Tensor& t) { return t.is_cpu() && t.scalar_type() == at::kFloat && t.dim() == 4; };
  return fits(x) && fits(weight) && weight.size(0) * weight.size(1) <= kMostWeights && weight.size(2) <= kMostKernel &&
         weight.size(2) == weight.size(3) && x.size(1) == weight.size(1);
}

at::Tensor narrowConv(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  TORCH_CHECK(isNarrow(x, weight) && bias.numel() == weight.size(0), "narrowConv: ", x.sizes(), " with ", weight.sizes(), " and ",
              bias.sizes());
  const at::Tensor w = weight.contiguous(at::MemoryFormat::ChannelsLast), b = bias.contiguous();
  const int64_t outputs = w.size(0), inputs = w.size(1), kernel = w.size(2);
  const float* const values = w.const_data_ptr<float>();
  std::vector<float> biases(static_cast<size_t>(roundedUp(outputs)));
  std::copy_n(b.const_data_ptr<float>(), outputs, biases.data());
  const auto get = [&](int64_t o, int64_t ky, int64_t kx, int64_t i) { return values[((o * kernel + ky) * kernel + kx) * inputs + i]; };
  return convolve(x, outputs, kernel, (kernel - 1) / 2, packed(outputs, inputs, kernel, get), biases);
}

at::Tensor narrowConvGradInput(const at::Tensor& grad, const at::Tensor& weight) {
  const at::Tensor w = weight.contiguous(at::MemoryFormat::ChannelsLast);
  const int64_t outputs = w.size(0), inputs = w.size(1), kernel = w.size(2);
  TORCH_CHECK(grad.dim() == 4 && grad.size(1) == outputs, "narrowConvGradInput: ", grad.sizes(), " with ", weight.sizes());
  const float* const values = w.const_data_ptr<float>();
  // A convolution with the kernel turned about its middle, outputs for inputs.
  const auto get = [&](int64_t i, int64_t ky, int64_t kx, int64_t o) {
    return values[((o * kernel + kernel - 1 - ky) * kernel + kernel - 1 - kx) * inputs + i];
  };
  return convolve(grad, inputs, kernel, kernel / 2, packed(inputs, outputs, kernel, get),
                  std::vector<float>(static_cast<size_t>(roundedUp(inputs))));
}

std::pair<at::Tensor, at::Tensor> narrowConvGradParameters(const at::Tensor& grad, const at::Tensor& input, int64_t kernel) {
  TORCH_CHECK(grad.dim() == 4 && input.dim() == 4 && grad.size(0) == input.size(0) && grad.sizes().slice(2) == input.sizes().slice(2),
              "narrowConvGradParameters: ", grad.sizes(), " and ", input.sizes());
  const int64_t outputs = grad.size(1), channels = roundedUp(outputs);
  const Images x(input);
  // Whole registers of channels, so that the loops read no further than there are values.
  const at::Tensor whole = channels == outputs ? grad : at::constant_pad_nd(grad, {0, 0, 0, 0, 0, channels - outputs});
  const at::Tensor gradients = whole.contiguous(at::MemoryFormat::ChannelsLast);
  const float* const ofGrad = gradients.const_data_ptr<float>();
  const Bands bands(x, kValuesOfBand / (x.channels + channels));
  const int64_t area = kernel * kernel * x.channels, parts = std::max<int64_t>(std::min(bands.count, kMostParts), 1);
  const int64_t ofPart = (area + 1) * channels;
  at::Tensor sums = at::zeros({parts, area + 1, channels}, input.options());
  float* const ofSums = sums.mutable_data_ptr<float>();
  const int64_t products = x.count * x.height * x.width * area * outputs;
  at::parallel_for(0, parts, grain(parts, products), [&](int64_t begin, int64_t end) {
    Padded padded(x, bands, kernel, (kernel - 1) / 2);
    std::vector<float> ofBand(static_cast<size_t>(channels));
    for (int64_t part = begin; part < end; ++part) {
      float* const to = ofSums + part * ofPart;
      for (int64_t band = bands.count * part / parts; band < bands.count * (part + 1) / parts; ++band) {
        const Pass pass = padded.over(band);
        const float* const from = ofGrad + bands.firstPixel(band) * channels;
        for (int64_t o = 0; o < channels;) {
          const int64_t vectors = vectorsOf(o, channels);
          addProducts(vectors, pass, from + o, channels, to + o);
          o += vectors * kNarrowLanes;
        }
        // Band by band, as the products are: a sum of very many small values loses digits.
        std::fill(ofBand.begin(), ofBand.end(), 0.0F);
        addPixels(from, pass.rows * pass.width, channels, ofBand.data());
        addPixels(ofBand.data(), 1, channels, to + area * channels);
      }
    }
  });
  // Each part beside the one before, as pixels lie: one order of additions, which at::sum does not promise.
  addPixels(ofSums + ofPart, parts - 1, ofPart, ofSums);
  const at::Tensor total = sums.select(0, 0).narrow(1, 0, outputs);
  const at::Tensor weights = total.narrow(0, 0, area).t().contiguous().view({outputs, kernel, kernel, x.channels}).permute({0, 3, 1, 2});
  return {weights, total.select(0, area).clone()};
}

}  // namespace cumulens::kernels
