#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <vector>

namespace cumulens {

/// Where a tensor lies in a file: bytes [begin, end), row-major, little-endian.
struct TensorSpan {
  at::ScalarType dtype;
  std::vector<std::int64_t> shape;
  std::uint64_t begin;
  std::uint64_t end;
};

/// Maps the file once (read-only for the process: pages are shared and written copies stay private) and gives one CPU tensor for
/// each span; together they keep the mapping alive. A span whose address is not aligned to its dtype is copied.
/// @throws Error{io} when the file cannot be opened or mapped, Error{format} when a span does not lie within it or does not
/// have the bytes of its shape.
std::vector<at::Tensor> mapTensors(const std::filesystem::path& path, const std::vector<TensorSpan>& spans);

}  // namespace cumulens
