#pragma once

#include <vector>

#include "core/gan/conditioning.h"
#include "core/gan/generator.h"
#include "core/gan/layers.h"
#include "core/gan/sft.h"

namespace cumulens {

/// GSFT, METHOD §4: all conditions together make one set of condition features, the same for every SFT layer.
class GlobalGenerator final : public Generator {
 public:
  GlobalGenerator(const GeneratorConfig& config, const at::Generator& random, const at::TensorOptions& options);

 private:
  struct Block {
    Sft sft;
    Conv2d conv;
  };

  at::Tensor run(const at::Tensor& image, const at::Tensor& conditions, const CancelToken& cancel) const override;

  CondNet condNet_;
  Conv2d head_;
  std::vector<Block> blocks_;
  Sft sft_;
  Conv2d body_;
  Conv2d tail_;
};

}  // namespace cumulens
