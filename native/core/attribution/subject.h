#pragma once

#include "core/cnn/cnn.h"

#include <ATen/ATen.h>

#include <array>
#include <string>
#include <vector>

namespace cumulens {

/// What is to be explained, and how much of it at once.
struct Subject {
  const Cnn& cnn;
  at::Tensor images;  ///< [N,C,H,W] as Cnn::preprocess takes them, N ≥ 1
  at::Tensor target;  ///< int64 [N] on the CNN's device: the score explained is s_n = logits[n, target_n]
  int64_t rows;       ///< the network's batch at most; 0: as many as fit into about 1 GiB, 4 GiB on a GPU
  const CancelToken& cancel;

  int64_t count() const { return images.size(0); }
  std::array<int64_t, 2> size() const { return {images.size(2), images.size(3)}; }
  /// How many rows the network may take in one pass.
  int64_t rowsOfPass(bool gradients) const;
};

/// @throws Error shape or option unless there are images, and for each a class of the CNN.
Subject makeSubject(const Cnn& cnn, const at::Tensor& images, const at::Tensor& target, int64_t rows, const CancelToken& cancel);

/// Rows begin … begin + count − 1 of something.
struct Part {
  int64_t begin;
  int64_t count;

  at::Tensor of(const at::Tensor& all) const { return all.narrow(0, begin, count); }
};

/// `total` rows in parts of at most `size`.
std::vector<Part> inParts(int64_t total, int64_t size);

/// The images as the network's own numbers before preprocessing: [n,C,H,W] floating in [0,1], on its device.
/// @param input the same images preprocessed, whose device and dtype they get
at::Tensor unitImages(const at::Tensor& images, const at::Tensor& input);

/// A baseline of the images as the network sees it: one of `baselineImages`, or `neutral`, which is zeros after preprocessing.
/// @param input `images` preprocessed. @throws Error option for another name.
at::Tensor networkBaseline(const Subject& subject, const at::Tensor& images, const at::Tensor& input, const std::string& name);

/// s of every row, without gradients. @param input [M,C,H,W], preprocessed; @param target int64 [M]
at::Tensor scoresOf(const Subject& subject, const at::Tensor& input, const at::Tensor& target);
/// The softmax's probability of the target, likewise.
at::Tensor probabilitiesOf(const Subject& subject, const at::Tensor& input, const at::Tensor& target);

/// Every row `times` times in a row: [M,…] → [M·times,…].
at::Tensor repeated(const at::Tensor& rows, int64_t times);

/// Calls `map(part)` for parts of at most `size` images and joins the maps it gives, [n,…] each.
template <class Map>
at::Tensor overImages(const Subject& subject, int64_t size, Map map) {
  const std::vector<Part> parts = inParts(subject.count(), size);
  std::vector<at::Tensor> maps;
  maps.reserve(parts.size());
  for (const Part& part : parts) maps.push_back(map(part));
  return maps.size() == 1 ? maps.front() : at::cat(maps);
}

}  // namespace cumulens
