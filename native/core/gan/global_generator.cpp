#include "core/gan/global_generator.h"

namespace cumulens {

GlobalGenerator::GlobalGenerator(const GeneratorConfig& config, const at::Generator& random, const at::TensorOptions& options)
    : Generator(config, random, options),
      condNet_(builder_, config.conditions, config.conditionWidth, config.conditionFeatures),
      head_(builder_, "head", 3, config.width, 3),
      sft_(builder_, "sft", config.conditionFeatures, config.width),
      body_(builder_, "body", config.width, config.width, 3),
      tail_(builder_, "tail", config.width, config.outputChannels, 3) {
  for (int64_t i = 0; i < config.blocks; ++i) {
    const std::string name = "blocks." + std::to_string(i);
    blocks_.push_back({Sft(builder_, name + ".sft", config.conditionFeatures, config.width),
                       Conv2d(builder_, name + ".conv", config.width, config.width, 3, kResidualGain)});
  }
}

at::Tensor GlobalGenerator::run(const at::Tensor& image, const at::Tensor& conditions, const CancelToken& cancel) const {
  const at::Tensor c = condNet_(conditions.contiguous(at::MemoryFormat::ChannelsLast), cancel);
  const at::Tensor f = head_(image);
  at::Tensor r = f;
  for (const auto& block : blocks_) r = watched(r + reluInPlace(block.conv(block.sft(r, c))), cancel);
  r = body_(sft_(r, c));
  return tail_(f + r);
}

}  // namespace cumulens
