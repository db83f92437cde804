#pragma once

#include "core/attribution/subject.h"

namespace cumulens {

// Class activation maps relu(Σ_k w_k·A_k) at one tap whose channel weights come from forward passes alone: [N,h,w], of the tap's size.
// A tap is given by its index; negative ones count from the end. @throws Error shape, option, aborted.

/// Score-CAM (Wang et al. 2020): w = softmax over the channels of the score that the image has where A_k, resized and min–max normalised,
/// masks it; a channel without any range masks nothing and has no weight.
struct ScoreCamOptions {
  int64_t tap;
  std::string baseline;  ///< what the masked pixels become, see `networkBaseline`
  int64_t channels;      ///< only so many of each image's channels, those of the greatest variance over the pixels; 0: all
};
at::Tensor scoreCam(const Subject& subject, const ScoreCamOptions& options);

/// Ablation-CAM (Desai, Ramaswamy 2020): w_k = s − s with A_k set to 0. (Published: divided by s, which scales the map; where s < 0 it
/// would turn it inside out.) Only the network behind the tap runs again, if it can be cut there.
at::Tensor ablationCam(const Subject& subject, int64_t tap);

}  // namespace cumulens
