#pragma once

#include <map>
#include <string>

#include "core/metrics/scored.h"

namespace cumulens {

/// One way to take an image apart (deletion) or to put it together (insertion), the most relevant pixels first.
struct CurveOptions {
  std::string name;      ///< of the result
  bool insertion;        ///< from the baseline to the image; else from the image to the baseline
  std::string baseline;  ///< zero, mean, blur (see baselineImages) or noise: uniform in [0,1], of the seed and the image's index alone
};

/// METHOD §9 (Petsiuk et al. 2018): p of the target class at steps + 1 fractions 0 … 1 of the pixels, all channels together, and the area
/// under it. Pixels of one value are taken in a seeded random order.
/// @returns for each curve `<name>`, its area, float64 [N] in [0,1] (trapezoid on the true fractions, whole pixels over all pixels), and
/// `<name>Curve`, float64 [N,steps + 1]. @throws Error option, aborted
std::map<std::string, at::Tensor> perturbationCurves(const Scored& scored, const std::vector<CurveOptions>& curves, int64_t steps,
                                                     std::uint64_t seed, int64_t first);

}  // namespace cumulens
