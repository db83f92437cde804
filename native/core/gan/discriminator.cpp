#include "core/gan/discriminator.h"

#include "core/runtime/error.h"
#include "core/runtime/random.h"

namespace cumulens {

namespace {

constexpr auto kFormat = at::MemoryFormat::ChannelsLast;

const DiscriminatorConfig& validated(const DiscriminatorConfig& config) {
  check(config.size >= 8, ErrorCode::option, "the discriminator halves the size three times and needs at least 8, got ", config.size);
  check(config.width >= 2 && config.width % 2 == 0, ErrorCode::option, "the discriminator's width must be even, got ", config.width);
  check(config.mapChannels >= 1, ErrorCode::option, "the discriminator needs a map channel, got ", config.mapChannels);
  return config;
}

/// Values of a sample after the deep stage.
int64_t flatSize(const DiscriminatorConfig& config) {
  const int64_t side = config.size / 2 / 2 / 2;
  return config.width / 2 * side * side;
}

}  // namespace

Discriminator::Stage::Stage(Builder& builder, const std::string& name, int64_t inputs, int64_t width) {
  for (int block = 0; block < 3; ++block) {
    const std::string prefix = name + "." + std::to_string(block) + ".";
    blocks_.push_back({Conv2d(builder, prefix + "0", block == 0 ? inputs : width, width, 3), Conv2d(builder, prefix + "1", width, width, 3),
                       Conv2d(builder, prefix + "2", width, width, 3)});
  }
}

at::Tensor Discriminator::Stage::operator()(at::Tensor x, const CancelToken& cancel) const {
  const auto residual = [&](size_t block) {
    at::Tensor y = x;
    for (const auto& conv : blocks_[block]) y = reluInPlace(conv(y));
    return watched(y, cancel);
  };
  x = residual(0);
  x = x + residual(1);
  return at::max_pool2d(x, 2) + at::max_pool2d(residual(2), 2);
}

Discriminator::Discriminator(const DiscriminatorConfig& config, uint64_t seed, const at::TensorOptions& options)
    : config_(validated(config)),
      builder_{parameters_, makeGenerator(at::kCPU, seed, RandomStream::init, 1), options},
      image_(builder_, "image", 3, config.width),
      map_(builder_, "map", config.mapChannels, config.width),
      joint_(builder_, "joint", 2 * config.width, config.width),
      deep_(builder_, "deep", config.width, config.width / 2),
      fc0_(builder_, "fc.0", flatSize(config), 32),
      fc1_(builder_, "fc.1", 32, 16),
      fc2_(builder_, "fc.2", 16, 1) {}

at::Tensor Discriminator::imageFeatures(const at::Tensor& image, const CancelToken& cancel) const {
  return image_(image.contiguous(kFormat), cancel);
}

at::Tensor Discriminator::mapFeatures(const at::Tensor& map, const CancelToken& cancel) const {
  return map_(map.contiguous(kFormat), cancel);
}

at::Tensor Discriminator::judge(const at::Tensor& imageFeatures, const at::Tensor& mapFeatures, const CancelToken& cancel) const {
  const at::Tensor x = deep_(joint_(at::cat({imageFeatures, mapFeatures}, 1), cancel), cancel);
  // fc.0 reads C,H,W order whatever the layout in memory.
  return fc2_(reluInPlace(fc1_(reluInPlace(fc0_(x.contiguous().flatten(1))))));
}

at::Tensor Discriminator::forward(const at::Tensor& image, const at::Tensor& map, const CancelToken& cancel) const {
  const auto fits = [&](const at::Tensor& t, int64_t channels) {
    return t.dim() == 4 && t.size(0) == image.size(0) && t.size(1) == channels && t.size(2) == config_.size && t.size(3) == config_.size;
  };
  check(fits(image, 3) && fits(map, config_.mapChannels), ErrorCode::shape, "the discriminator got ", image.sizes(), " and ", map.sizes(),
        ", expected [N,3,", config_.size, ",", config_.size, "] and [N,", config_.mapChannels, ",", config_.size, ",", config_.size, "]");
  return judge(imageFeatures(image, cancel), mapFeatures(map, cancel), cancel);
}

}  // namespace cumulens
