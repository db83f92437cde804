#include "core/gan/sample_grid.h"

#include <vector>

#include "core/maps/colormap.h"

namespace cumulens {

namespace {

constexpr int64_t kGap = 2;
constexpr int64_t kBatch = 32;
constexpr int kPaper = 255;

}  // namespace

at::Tensor sampleGrid(const Generator& generator, const at::Tensor& image, const at::Tensor& conditions, const at::Tensor& target,
                      const CancelToken& cancel) {
  const at::Tensor generated = generator.explain(image, conditions, /*raw=*/false, kBatch, cancel).cpu();
  std::vector<at::Tensor> columns{image.cpu()};
  for (const auto& condition : conditions.cpu().split(1, 1)) columns.push_back(colourise(condition, Colormap::viridis));
  columns.push_back(target.size(1) == 3 ? target.cpu() : colourise(target.cpu(), Colormap::viridis));
  columns.push_back(colourise(toBytes(generated), Colormap::viridis));
  for (auto& column : columns) column = at::constant_pad_nd(column, {0, kGap, 0, kGap}, kPaper);
  const at::Tensor rows = at::cat(columns, 3);  // [N,3,S,W]
  return rows.permute({0, 2, 3, 1}).reshape({-1, rows.size(3), 3}).contiguous();
}

}  // namespace cumulens
