#pragma once

#include <cstdint>

namespace cumulens {

/// Learning rates over a run: a linear rise, then constant or half a cosine down to `finalRate` of them, which then stays.
struct Schedule {
  int64_t warmup = 0;
  int64_t decaySteps = 0;  // of the cosine, after the warm-up; 0: the rates stay
  double finalRate = 0.0;
};

/// What the learning rates are multiplied with at `step`.
double scheduleFactor(const Schedule& schedule, int64_t step);

}  // namespace cumulens
