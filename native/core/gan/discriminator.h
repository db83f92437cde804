#pragma once

#include <ATen/ATen.h>

#include <array>
#include <cstdint>
#include <string>

#include "core/gan/layers.h"
#include "core/gan/parameters.h"

namespace cumulens {

/// Sizes of a discriminator; the defaults are the paper's.
struct DiscriminatorConfig {
  int64_t size = 64;        // height and width of image and map
  int64_t mapChannels = 1;  // the generator's output channels
  int64_t width = 64;       // channels of the two branches and their joint stage; the deep stage has half
};

/// D(image, map), METHOD §5: one logit a sample that tells real maps from generated ones. The branches are apart, so that one run of the
/// image branch serves every map of the same images.
class Discriminator {
 public:
  Discriminator(const DiscriminatorConfig& config, uint64_t seed, const at::TensorOptions& options);
  Discriminator(const Discriminator&) = delete;
  Discriminator& operator=(const Discriminator&) = delete;

  /// [N,3,S,S] → [N,width,S/2,S/2].
  at::Tensor imageFeatures(const at::Tensor& image, const CancelToken& cancel) const;
  /// [N,mapChannels,S,S] → [N,width,S/2,S/2].
  at::Tensor mapFeatures(const at::Tensor& map, const CancelToken& cancel) const;
  /// The two branches' features → logits [N,1].
  at::Tensor judge(const at::Tensor& imageFeatures, const at::Tensor& mapFeatures, const CancelToken& cancel) const;
  /// judge(imageFeatures(image), mapFeatures(map)). Throws `shape`, and `aborted` from between two blocks, forward or backward.
  at::Tensor forward(const at::Tensor& image, const at::Tensor& map, const CancelToken& cancel) const;

  const DiscriminatorConfig& config() const { return config_; }
  const Parameters& parameters() const { return parameters_; }
  void load(const StateDict& state) { parameters_.load(state, "discriminator"); }

 private:
  /// Three residual blocks of three 3×3 convolutions; the last halves the size.
  class Stage {
   public:
    Stage(Builder& builder, const std::string& name, int64_t inputs, int64_t width);
    at::Tensor operator()(at::Tensor x, const CancelToken& cancel) const;

   private:
    std::vector<std::array<Conv2d, 3>> blocks_;
  };

  DiscriminatorConfig config_;
  Parameters parameters_;
  Builder builder_;
  Stage image_;
  Stage map_;
  Stage joint_;
  Stage deep_;
  Linear fc0_;
  Linear fc1_;
  Linear fc2_;
};

}  // namespace cumulens
