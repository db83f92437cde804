#include "core/metrics/infidelity.h"

#include "core/runtime/counter_random.h"
#include "core/runtime/error.h"

namespace cumulens {
namespace {

/// Squares [top, bottom) × [left, right), int64 [N,draws] each.
struct Squares {
  at::Tensor top, left, bottom, right;
};

Squares drawSquares(const Scored& scored, int64_t draws, std::uint64_t seed, int64_t first) {
  const int64_t side = std::min(scored.height(), scored.width());
  const int64_t smallest = std::max<int64_t>(1, side / 8), largest = std::max<int64_t>(1, side / 2);
  const at::Tensor drawn =
      counterUniform({seed, RandomStream::squares, first, scored.count(), 0, draws * 3}, scored.maps.options().dtype(at::kDouble))
          .view({scored.count(), draws, 3});
  const at::Tensor size = smallest + (drawn.select(2, 0) * (largest - smallest + 1)).to(at::kLong);
  const at::Tensor top = (drawn.select(2, 1) * (scored.height() - size + 1)).to(at::kLong);
  const at::Tensor left = (drawn.select(2, 2) * (scored.width() - size + 1)).to(at::kLong);
  return {top, left, top + size, left + size};
}

/// Sums of [N,H,W] within the squares, [N,draws], from a table of sums over all rectangles from the corner.
at::Tensor sumsWithin(const at::Tensor& values, const Squares& squares) {
  const at::Tensor table = at::constant_pad_nd(values.cumsum(1).cumsum(2), {1, 0, 1, 0});
  const auto corner = [&](const at::Tensor& y, const at::Tensor& x) { return table.flatten(1).gather(1, y * table.size(2) + x); };
  return corner(squares.bottom, squares.right) - corner(squares.top, squares.right) - corner(squares.bottom, squares.left) +
         corner(squares.top, squares.left);
}

at::Tensor insideSquares(const Squares& squares, const at::Tensor& image, const at::Tensor& draw, const Scored& scored) {
  const auto along = [&](const at::Tensor& begin, const at::Tensor& end, int64_t size) {
    const at::Tensor pixel = at::arange(size, begin.options());
    return at::logical_and(pixel >= begin.index({image, draw}).unsqueeze(1), pixel < end.index({image, draw}).unsqueeze(1));
  };
  const at::Tensor down = along(squares.top, squares.bottom, scored.height()), across = along(squares.left, squares.right, scored.width());
  return at::logical_and(down.unsqueeze(2), across.unsqueeze(1)).unsqueeze(1);
}

}  // namespace

at::Tensor infidelity(const Scored& scored, int64_t draws, std::uint64_t seed, int64_t first) {
  check(draws >= 1, ErrorCode::option, "draws: expected 1 or more, got ", draws);
  const c10::NoGradGuard noGrad;
  const Squares squares = drawSquares(scored, draws, seed, first);
  // Version 0 is the image as it is.
  const at::Tensor y = followTarget(scored, Output::logit, draws + 1, [&](const at::Tensor& image, const at::Tensor& version) {
    const at::Tensor inside = insideSquares(squares, image, (version - 1).clamp_min(0), scored);
    const at::Tensor removed = at::logical_and(inside, (version > 0).view({-1, 1, 1, 1}));
    return scored.input.index_select(0, image).masked_fill(removed, 0);
  });
  const at::Tensor expected = y.slice(1, 0, 1) - y.slice(1, 1);
  const at::Tensor claimed = sumsWithin(scored.input.to(at::kDouble).sum(1) * scored.maps.to(at::kDouble).squeeze(1), squares);
  const at::Tensor norm = claimed.square().sum(1, true);
  const at::Tensor scale = at::where(norm > 0, (claimed * expected).sum(1, true) / norm, 0.0);
  return (scale * claimed - expected).square().mean(1);
}

}  // namespace cumulens
