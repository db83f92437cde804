#include "core/gan/local_generator.h"

namespace cumulens {

namespace {
constexpr double kBlockSlope = 0.3;
}  // namespace

LocalGenerator::LocalGenerator(const GeneratorConfig& config, const at::Generator& random, const at::TensorOptions& options)
    : Generator(config, random, options),
      condNet_(builder_, 1, config.conditionWidth, config.conditionFeatures),
      head_(builder_, "head", 3, config.width, 3),
      body_(builder_, "body", config.width, config.width, 3),
      tail_(builder_, "tail", config.width, config.outputChannels, 3) {
  const int64_t width = config.width;
  for (int64_t i = 0; i < config.blocks; ++i) {
    const std::string name = "blocks." + std::to_string(i);
    if (i % 2 == 0) {
      even_.push_back({Sft(builder_, name + ".sft", config.conditionFeatures, width),
                       Conv2d(builder_, name + ".conv", width, width, 3, kResidualGain)});
    } else {
      odd_.push_back({Conv2d(builder_, name + ".conv.0", width, width, 3), Conv2d(builder_, name + ".conv.1", width, 2 * width, 3),
                      Conv2d(builder_, name + ".conv.2", 2 * width, width, 3, kResidualGain)});
    }
  }
}

std::vector<at::Tensor> LocalGenerator::conditionFeatures(const at::Tensor& conditions, const CancelToken& cancel) const {
  // Condition first, sample second: each condition's features are then one dense piece of memory.
  const at::Tensor alone = conditions.transpose(0, 1).reshape({-1, 1, conditions.size(2), conditions.size(3)});
  return condNet_(alone.contiguous(at::MemoryFormat::ChannelsLast), cancel).chunk(config_.conditions, 0);
}

at::Tensor LocalGenerator::evenBlock(size_t j, const at::Tensor& r, const at::Tensor& c, const CancelToken& cancel) const {
  return watched(r + even_[j].conv(even_[j].sft(r, c)), cancel);
}

at::Tensor LocalGenerator::oddBlock(size_t j, const at::Tensor& r, const CancelToken& cancel) const {
  return watched(r + leakyReluInPlace(odd_[j].last(odd_[j].middle(odd_[j].first(r))), kBlockSlope), cancel);
}

at::Tensor LocalGenerator::run(const at::Tensor& image, const at::Tensor& conditions, const CancelToken& cancel) const {
  const auto c = conditionFeatures(conditions, cancel);
  const at::Tensor f = head_(image);
  at::Tensor r = f;
  for (size_t j = 0; j < even_.size(); ++j) {
    r = evenBlock(j, r, c[j], cancel);
    if (j < odd_.size()) r = oddBlock(j, r, cancel);
  }
  return tail_(f + body_(r));
}

at::Tensor LocalGenerator::runReplaced(const at::Tensor& image, const at::Tensor& conditions, const at::Tensor& replacements,
                                       const CancelToken& cancel) const {
  const auto c = conditionFeatures(conditions, cancel), replaced = conditionFeatures(replacements, cancel);
  const int64_t count = image.size(0);
  const at::Tensor f = head_(image);
  at::Tensor r = f;
  for (size_t j = 0; j < even_.size(); ++j) {
    std::vector<at::Tensor> features(j + 1, c[j]);
    features.push_back(replaced[j]);
    r = evenBlock(j, at::cat({r, r.narrow(0, 0, count)}), at::cat(features), cancel);
    if (j < odd_.size()) r = oddBlock(j, r, cancel);
  }
  return tail_(f.repeat({config_.conditions + 1, 1, 1, 1}) + body_(r));
}

}  // namespace cumulens
