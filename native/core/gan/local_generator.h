#pragma once

#include <vector>

#include "core/gan/conditioning.h"
#include "core/gan/generator.h"
#include "core/gan/layers.h"
#include "core/gan/sft.h"

namespace cumulens {

/// LSFT, METHOD §4: CondNet sees each condition alone, and each SFT block reads one of them, shallow to deep.
class LocalGenerator final : public Generator {
 public:
  LocalGenerator(const GeneratorConfig& config, const at::Generator& random, const at::TensorOptions& options);

 private:
  struct SftBlock {
    Sft sft;
    Conv2d conv;
  };
  struct ConvBlock {
    Conv2d first;
    Conv2d middle;
    Conv2d last;
  };

  at::Tensor run(const at::Tensor& image, const at::Tensor& conditions, const CancelToken& cancel) const override;

  /// A variant is the unreplaced network up to the block that reads its slice: the batch grows there by one variant, so the trunk does half
  /// of the work, and CondNet sees each slice once.
  at::Tensor runReplaced(const at::Tensor& image, const at::Tensor& conditions, const at::Tensor& replacements,
                         const CancelToken& cancel) const override;

  at::Tensor evenBlock(size_t j, const at::Tensor& r, const at::Tensor& c, const CancelToken& cancel) const;
  at::Tensor oddBlock(size_t j, const at::Tensor& r, const CancelToken& cancel) const;

  /// All conditions through CondNet at once: [N,P,H,W] → P tensors [N,features,H,W].
  std::vector<at::Tensor> conditionFeatures(const at::Tensor& conditions, const CancelToken& cancel) const;

  CondNet condNet_;
  Conv2d head_;
  std::vector<SftBlock> even_;  // blocks 0, 2, 4 …: one for each condition
  std::vector<ConvBlock> odd_;  // blocks 1, 3, 5 …: between two of those
  Conv2d body_;
  Conv2d tail_;
};

}  // namespace cumulens
