#pragma once

#include <cstdint>

#include "core/metrics/scored.h"

namespace cumulens {

/// ROAD (Rong et al. 2022), METHOD §9: (p after the least relevant pixels are removed − p after the most relevant ones are)/2, the mean
/// over 10, 20 … 90 % of the pixels. Removed pixels are imputed (see imputeMissing) in image space, with normal noise added to them.
/// @param noise its standard deviation, images in [0,1]; drawn of the seed and the image's index first + row alone.
/// @returns float64 [N], −½ … ½, higher is better. @throws Error option, aborted
at::Tensor road(const Scored& scored, double noise, std::uint64_t seed, int64_t first);

}  // namespace cumulens
