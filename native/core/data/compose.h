#pragma once
#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <vector>

#include "core/runtime/cancel.h"

namespace cumulens {

/// What the images of one split are drawn from.
struct ComposeSources {
  at::Tensor garments;     ///< uint8 [G,H,W], 0 where there is no garment
  at::Tensor labels;       ///< int64 [G], 0 … classes − 1, every class at least once
  at::Tensor photographs;  ///< uint8 [M,3,P,P]
};

struct ComposeOptions {
  std::int64_t size = 64;
  std::uint64_t seed = 0;
  std::uint64_t stream = 0;  ///< the split's number: the same index of two splits is drawn differently
};

struct ComposedImages {
  at::Tensor images;       ///< uint8 [N,3,S,S]
  at::Tensor masks;        ///< uint8 [N,1,S,S], 255 × the part of the pixel that the garment covers
  at::Tensor labels;       ///< int64 [N], CPU
  at::Tensor garments;     ///< int64 [N], CPU, which garment
  at::Tensor photographs;  ///< int64 [N], CPU, which photograph
};

/// Draws images with a known answer: a tinted garment at a random place, size and angle, covering about 14 to 25 % of the image,
/// on a random crop of a photograph. Image `i` is of class i mod classes and depends on (seed, stream, i) alone, whatever else is
/// drawn with it.
class Composer {
 public:
  Composer(const ComposeSources& sources, const ComposeOptions& options, c10::Device device);

  /// Images first … first + count − 1.
  /// @throws Error{aborted} between batches once the token is cancelled; Error{option} for a negative index or count.
  ComposedImages draw(std::int64_t first, std::int64_t count, const CancelToken& token) const;

 private:
  // A garment's extent around its picture's centre, in its own pixels.
  struct Extent {
    double area, centreX, centreY, halfWidth, halfHeight;
  };

  struct Placement;

  void measure(const at::Tensor& alpha);
  Placement place(std::int64_t index) const;
  at::Tensor samplePhotographs(const at::Tensor& placements) const;
  at::Tensor sampleGarments(const at::Tensor& placements, const at::Tensor& which) const;

  ComposeOptions options_;
  c10::Device device_;
  at::Tensor atlas_;    // float [1,3,M·P,P]: the photographs one below the other, so that one gather-free call samples them all
  at::Tensor layers_;   // float [G,2,H,W]: shade × alpha, alpha
  at::Tensor centres_;  // float [2S]: the supersampled pixels' centres in [−1,1]
  std::vector<Extent> extents_;
  std::vector<std::vector<std::int64_t>> garmentsOfClass_;
  std::int64_t photographs_ = 0;
};

}  // namespace cumulens
