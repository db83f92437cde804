#include "kernels/resize_maps.h"

#include "kernels/simd.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <limits>
#include <map>
#include <numeric>
#include <vector>

namespace cumulens::kernels {
namespace {

constexpr int64_t kPixelsATime = 1 << 15;  // that a thread takes: large enough to hide the hand-over

/// Which two input values make an output value along one axis: (1 − weight)·in[first] + weight·in[second].
struct Axis {
  Axis(int64_t from, int64_t to) : first(static_cast<size_t>(to)), second(static_cast<size_t>(to)), weight(static_cast<size_t>(to)) {
    const double scale = static_cast<double>(from) / static_cast<double>(to);
    for (int64_t i = 0; i < to; ++i) {
      const double place = std::max(scale * (static_cast<double>(i) + 0.5) - 0.5, 0.0);
      const auto index = std::min(static_cast<int64_t>(place), from - 1);
      const auto at = static_cast<size_t>(i);
      first[at] = static_cast<int32_t>(index);
      second[at] = static_cast<int32_t>(std::min(index + 1, from - 1));
      weight[at] = static_cast<float>(std::min(place - static_cast<double>(index), 1.0));
    }
  }

  std::vector<int32_t> first, second;
  std::vector<float> weight;
};

/// Least and greatest value of each column so far. A reduction by columns needs no order of additions that a compiler had to keep.
struct Extremes {
  explicit Extremes(size_t width) : least(width), greatest(width) {}
  void clear() {
    std::fill(least.begin(), least.end(), std::numeric_limits<float>::infinity());
    std::fill(greatest.begin(), greatest.end(), -std::numeric_limits<float>::infinity());
  }
  float low() const { return *std::min_element(least.begin(), least.end()); }
  float high() const { return *std::max_element(greatest.begin(), greatest.end()); }

  std::vector<float> least, greatest;
};

CUMULENS_SIMD void widen(const float* row, const int32_t* first, const int32_t* second, const float* weight, float* out, int64_t width) {
  for (int64_t x = 0; x < width; ++x) out[x] = (1.0F - weight[x]) * row[first[x]] + weight[x] * row[second[x]];
}

CUMULENS_SIMD void blend(const float* __restrict above, const float* __restrict below, float weight, float* __restrict out, int64_t width) {
  for (int64_t x = 0; x < width; ++x) out[x] = (1.0F - weight) * above[x] + weight * below[x];
}

CUMULENS_SIMD void extend(const float* __restrict row, float* __restrict least, float* __restrict greatest, int64_t width) {
  for (int64_t x = 0; x < width; ++x) {
    least[x] = row[x] < least[x] ? row[x] : least[x];
    greatest[x] = row[x] > greatest[x] ? row[x] : greatest[x];
  }
}

/// 0, or NaN if a value is not finite.
CUMULENS_SIMD void addNothing(const float* __restrict row, float* __restrict sum, int64_t width) {
  for (int64_t x = 0; x < width; ++x) sum[x] += row[x] - row[x];
}

CUMULENS_SIMD void stretch(const float* __restrict values, float low, float spread, float* __restrict out, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const float value = (values[i] - low) / spread;
    const float positive = value > 0.0F ? value : 0.0F;
    out[i] = positive < 1.0F ? positive : 1.0F;
  }
}

/// Resizes maps of one size to another, one at a time, in memory of its own. An output row is made in the nearest cache whenever it is
/// needed, which costs less than to read it again from where the whole map fits: so the output is written once, and never read.
class Resizer {
 public:
  Resizer(std::array<int64_t, 2> from, std::array<int64_t, 2> to)
      : rows_(from[0], to[0]),
        columns_(from[1], to[1]),
        all_(static_cast<size_t>(to[0])),
        height_(from[0]),
        width_(from[1]),
        outHeight_(to[0]),
        outWidth_(to[1]),
        buffer_(static_cast<size_t>(2 * outWidth_)),
        row_(static_cast<size_t>(outWidth_)),
        input_(static_cast<size_t>(width_)),
        output_(static_cast<size_t>(outWidth_)) {
    std::iota(all_.begin(), all_.end(), 0);
    const std::vector<int32_t>& first = rows_.first;
    std::copy_if(all_.begin(), all_.end(), std::back_inserter(turns_), [&](int64_t row) {
      const auto y = static_cast<size_t>(row);
      return y == 0 || y + 1 == first.size() || first[y] != first[y - 1] || first[y] != first[y + 1];
    });
  }

  void resize(const float* in, float* out) {
    eachRow(in, all_, [&](const float* row, int64_t y) { std::copy_n(row, outWidth_, out + y * outWidth_); });
  }

  void resizeAndNormalise(const float* in, float* out) {
    const float spread = varies(in) ? range(in) : 0.0F;
    // A downsampled map can lose its range: spread = 0 is flat too.
    if (spread > 0.0F) {
      const float low = output_.low();
      eachRow(in, all_, [&](const float* row, int64_t y) { stretch(row, low, spread, out + y * outWidth_, outWidth_); });
    } else {
      std::fill_n(out, outHeight_ * outWidth_, 0.0F);
    }
  }

 private:
  /// Calls `visit` with each of these rows of the output, which lasts until the next.
  template <typename Visit>
  void eachRow(const float* in, const std::vector<int64_t>& rows, const Visit& visit) {
    const bool same = height_ == outHeight_ && width_ == outWidth_;
    held_[0] = held_[1] = -1;
    for (const int64_t y : rows) visit(same ? in + y * width_ : blended(in, static_cast<size_t>(y)), y);
  }

  const float* blended(const float* in, size_t y) {
    const float* const above = widened(in, rows_.first[y], rows_.second[y]);
    const float* const below = widened(in, rows_.second[y], rows_.first[y]);
    blend(above, below, rows_.weight[y], row_.data(), outWidth_);
    return row_.data();
  }

  /// An input row at the output's width. Two neighbours are held, as long as they are needed.
  const float* widened(const float* in, int32_t row, int32_t neighbour) {
    for (const size_t slot : {0, 1}) {
      if (held_[slot] == row) return buffer_.data() + static_cast<int64_t>(slot) * outWidth_;
    }
    const size_t slot = held_[0] == neighbour ? 1 : 0;
    held_[slot] = row;
    float* const out = buffer_.data() + static_cast<int64_t>(slot) * outWidth_;
    widen(in + row * width_, columns_.first.data(), columns_.second.data(), columns_.weight.data(), out, outWidth_);
    return out;
  }

  bool varies(const float* in) {
    input_.clear();
    nothing_.assign(static_cast<size_t>(width_), 0.0F);
    for (int64_t y = 0; y < height_; ++y) {
      extend(in + y * width_, input_.least.data(), input_.greatest.data(), width_);
      addNothing(in + y * width_, nothing_.data(), width_);
    }
    const float low = input_.low(), high = input_.high();
    const bool finite = std::all_of(nothing_.begin(), nothing_.end(), [](float sum) { return sum == 0.0F; });
    return finite && high - low > 1e-6F * std::max(std::abs(low), std::abs(high));
  }

  /// Of the output. Between two input rows each column goes one way, so that only the first and the last row made of them need a look;
  /// those between may pass them by a rounding, which `stretch` cuts.
  float range(const float* in) {
    output_.clear();
    eachRow(in, turns_, [&](const float* row, int64_t) { extend(row, output_.least.data(), output_.greatest.data(), outWidth_); });
    return output_.high() - output_.low();
  }

  Axis rows_, columns_;
  std::vector<int64_t> all_, turns_;  // output rows: every one; the first and the last of those made of the same two
  int64_t height_, width_, outHeight_, outWidth_;
  std::vector<float> buffer_, row_, nothing_;
  std::array<int32_t, 2> held_{-1, -1};
  Extremes input_, output_;
};

/// One layer's maps and where they go.
struct Layer {
  Layer(const at::Tensor& maps, const at::Tensor& out)
      : from(maps.contiguous()),
        size{from.size(1), from.size(2)},
        in(from.const_data_ptr<float>()),
        out(out.mutable_data_ptr<float>()),
        apart(out.stride(0)) {}

  const float* input(int64_t image) const { return in + image * size[0] * size[1]; }
  float* output(int64_t image) const { return out + image * apart; }

  at::Tensor from;
  std::array<int64_t, 2> size;
  const float* in;
  float* out;
  int64_t apart;
};

/// A thread's resizers: layers of one size share theirs.
class Resizers {
 public:
  explicit Resizers(at::IntArrayRef to) : to_{to[1], to[2]} {}
  Resizer& from(std::array<int64_t, 2> size) { return made_.try_emplace(size, size, to_).first->second; }

 private:
  std::array<int64_t, 2> to_;
  std::map<std::array<int64_t, 2>, Resizer> made_;
};

}  // namespace

void resizeMaps(const std::vector<at::Tensor>& layers, const std::vector<at::Tensor>& outs, bool normalise, const MapsFinished& finished) {
  TORCH_CHECK(layers.size() == outs.size(), "resizeMaps: ", layers.size(), " layers to ", outs.size());
  if (layers.empty()) return;
  std::vector<Layer> jobs;
  jobs.reserve(layers.size());
  for (size_t i = 0; i < layers.size(); ++i) {
    TORCH_CHECK(layers[i].dim() == 3 && outs[i].sizes() == outs[0].sizes() && layers[i].size(0) == outs[i].size(0),
                "resizeMaps: ", layers[i].sizes(), " to ", outs[i].sizes());
    jobs.emplace_back(layers[i], outs[i]);
  }
  const int64_t ofImage = static_cast<int64_t>(layers.size()) * outs[0].size(1) * outs[0].size(2);
  const int64_t grain = std::max<int64_t>(kPixelsATime / std::max<int64_t>(ofImage, 1), 1);
  at::parallel_for(0, outs[0].size(0), grain, [&](int64_t begin, int64_t end) {
    Resizers resizers(outs[0].sizes());
    for (int64_t image = begin; image < end; ++image) {
      for (size_t layer = 0; layer < jobs.size(); ++layer) {
        const Layer& job = jobs[layer];
        Resizer& resizer = resizers.from(job.size);
        if (normalise)
          resizer.resizeAndNormalise(job.input(image), job.output(image));
        else
          resizer.resize(job.input(image), job.output(image));
        if (finished) finished(layer, image, image + 1);
      }
    }
  });
}

}  // namespace cumulens::kernels
