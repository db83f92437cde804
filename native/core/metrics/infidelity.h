#pragma once

#include <cstdint>

#include "core/metrics/scored.h"

namespace cumulens {

/// METHOD §9 (Yeh et al. 2019): the mean over `draws` squares of (β·ΣI⊙E − (y(x) − y(x − I)))², y the target's logit. I is x within a
/// square of a side from an eighth to half of the image's shorter one, at a random place wholly inside, and 0 outside: x − I is x with the
/// square set to the network's 0. β is the scale, one an image, that makes the mean smallest; 0 for an empty map.
/// @returns float64 [N], lower is better; squares depend on the seed, the image's index first + row and the draw alone.
/// @throws Error option unless draws ≥ 1; aborted
at::Tensor infidelity(const Scored& scored, int64_t draws, std::uint64_t seed, int64_t first);

}  // namespace cumulens
