#pragma once

#include "core/attribution/subject.h"

namespace cumulens {

// Maps from one forward and one backward pass to the taps, [N,h,w] each. @throws Error shape, option, aborted.

/// A method of METHOD §1 at one tap, of the tap's size. @param tap its index; negative counts from the end
at::Tensor tapMap(const Subject& subject, const std::string& method, int64_t tap);

/// The mean over all taps of a method's maps, each resized to the images and min–max normalised: the authors' `fuse_layers`.
at::Tensor fusedMap(const Subject& subject, const std::string& method);

/// Winsor-CAM (Wall et al. 2026): Σ_l ŵ_l·M_l over all taps, M_l Grad-CAM resized and min–max normalised. w_l = relu of the gradient's mean
/// over channels and pixels; of the taps with w_l > 0, w is clipped at a percentile of itself (interpolated linearly) and rescaled so that
/// its least is `least` and its greatest 1 (all equal: 1). The other taps have no part.
/// @param percentile 0 … 100
at::Tensor winsorMap(const Subject& subject, double percentile, double least);

}  // namespace cumulens
