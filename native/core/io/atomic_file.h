#pragma once
#include <ATen/core/Tensor.h>

#include <filesystem>
#include <string>
#include <vector>

namespace cumulens {

/// Writes a safetensors file: the header's length (8 bytes, little-endian), `header` (JSON), and then each tensor's bytes (row-major,
/// little-endian) to a temporary file beside `path`, syncs it and renames it: a reader sees the whole file or none, and a crash leaves the
/// old one.
/// @throws Error{io} naming the path and the system's reason.
void writeTensors(const std::filesystem::path& path, const std::string& header, const std::vector<at::Tensor>& tensors);

}  // namespace cumulens
