#pragma once

#include "core/cnn/cnn.h"

#include <array>
#include <optional>
#include <string>

namespace cumulens {

/// What to make of one batch. Every field has been given a value by the caller.
struct ExplainOptions {
  std::string method = "gradcam";
  std::array<int64_t, 2> size{64, 64};  ///< of every map, [height, width]
  bool normalise = true;                ///< min–max a sample; else maps and target stay as the method gives them
  bool maps = false;                    ///< all taps' maps
  int64_t conditions = 8;               ///< P cumulative averages; 0: none
  bool reverse = false;                 ///< average from deep to shallow
  bool excludeTarget = true;            ///< average only over the taps before the target's
  std::string targetMethod = "gradcam";
  int64_t targetTap = -1;  ///< its tap in network order; negative counts from the end
};

/// Everything on the CNN's device, outside autograd; maps and conditions are undefined where they were not asked for.
struct Explanation {
  at::Tensor logits;         ///< [N,K]
  at::Tensor probabilities;  ///< [N,K], softmax of the logits
  at::Tensor predicted;      ///< int64 [N]
  at::Tensor targetClass;    ///< int64 [N], the class whose logit was differentiated
  at::Tensor maps;           ///< [N,L,H,W] in network order, in [0,1]
  at::Tensor conditions;     ///< [N,P,H,W] cumulative averages, in [0,1]
  at::Tensor target;         ///< [N,1,H,W], in [0,1]
};

/// One forward and one backward pass over the batch give the maps of every tap.
/// @param images [N,C,H,W] as Cnn::preprocess takes them.
/// @param targetClass int64 [N], or undefined for the predicted class of each sample.
/// @throws Error shape or option with what was expected; aborted when cancelled.
Explanation explain(const Cnn& cnn, const at::Tensor& images, const at::Tensor& targetClass, const ExplainOptions& options,
                    const CancelToken& cancel);

/// The same, `batchSize` images at a time: samples do not mix, so the result does not depend on it, and memory is bounded by it.
Explanation explainInBatches(const Cnn& cnn, const at::Tensor& images, const at::Tensor& targetClass, const ExplainOptions& options,
                             int64_t batchSize, const CancelToken& cancel);

}  // namespace cumulens
