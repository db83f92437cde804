#pragma once

#include <cstdint>

namespace cumulens {

/// The learning rate's factor at a step (0-based): linear from 1/warmup to 1 over the warm-up, then half a cosine from 1 to 0.
double cosineSchedule(int64_t step, int64_t warmup, int64_t total);

}  // namespace cumulens
