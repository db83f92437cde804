#pragma once

#include "core/cnn/graph_cnn.h"

namespace cumulens {

struct ScoreGradients {
  at::Tensor logits;                             ///< [N,K]
  at::Tensor images;                             ///< ∂s/∂images, [N,C,H,W]
  std::map<std::string, at::Tensor> parameters;  ///< ∂s/∂parameter for every trained parameter
};

/// Gradients of s = Σ_nk weights[n,k]·logits[n,k] with respect to the images (before preprocessing) and every trained parameter.
/// @param images floating [N,C,H,W]; @param weights [N,K].
/// @param training use batch statistics (the running ones stay as they are) and dropout instead of evaluation mode.
ScoreGradients scoreGradients(const GraphCnn& cnn, const at::Tensor& images, const at::Tensor& weights, bool training,
                              const CancelToken& cancel);

}  // namespace cumulens
