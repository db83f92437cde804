#pragma once

#include "core/metrics/scored.h"

namespace cumulens {

/// What the CNN says of x⊙E, against what it says of x; float64 [N], in percent. 0 where undefined.
struct MaskedPrediction {
  at::Tensor drop;           ///< 100·max(0, p(x) − p(x⊙E))/p(x), lower is better (Chattopadhay et al. 2018)
  at::Tensor increase;       ///< 100 where p(x⊙E) > p(x), else 0, higher is better
  at::Tensor gain;           ///< 100·max(0, p(x⊙E) − p(x))/(1 − p(x)), higher is better (Zhang et al. 2023)
  at::Tensor dropUndefined;  ///< bool [N]: p(x) = 0
  at::Tensor gainUndefined;  ///< bool [N]: p(x) = 1
};

/// METHOD §9. x is the network's input, after preprocessing: where E is 0, x⊙E is what preprocessing turns into 0.
MaskedPrediction maskedPrediction(const Scored& scored);

/// x⊙E as images: what preprocessing turns into it, so that a method can be asked to explain it.
/// @param images as Cnn::preprocess takes them, maps [N,1,H,W]. @returns [N,C,H,W] in the CNN's dtype; leaves [0,1] only if the colour that
/// preprocessing turns into zeros does. @throws Error shape, option
at::Tensor maskImages(const Cnn& cnn, const at::Tensor& images, const at::Tensor& maps);

}  // namespace cumulens
