#include "core/gan/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace cumulens {

double scheduleFactor(const Schedule& schedule, int64_t step) {
  const auto& [warmup, decaySteps, finalRate] = schedule;
  if (step < warmup) return static_cast<double>(step + 1) / static_cast<double>(warmup + 1);
  if (decaySteps == 0) return 1.0;
  const double progress = static_cast<double>(std::min(step - warmup, decaySteps)) / static_cast<double>(decaySteps);
  return finalRate + (1.0 - finalRate) * 0.5 * (1.0 + std::cos(std::numbers::pi * progress));
}

}  // namespace cumulens
