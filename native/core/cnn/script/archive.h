#pragma once

#include <ATen/core/Tensor.h>
#include <torch/csrc/jit/api/module.h>

namespace cumulens {

/// Reads a TorchScript archive to the CPU, without running anything of it.
///
/// What libtorch would run while it loads are `__setstate__` methods and the makers of C++ classes (`__torch__.torch.classes`): both are
/// refused, in the code and in the pickles, before it sees them.
/// What its unpickler takes on trust is checked first (pickle_check.h). The checks read through libtorch's own archive reader, so
/// that there are no two opinions on what the archive holds. That the archive is whole (CRC-32, sizes) is for the caller to see.
/// @param bytes uint8 [n] on the CPU, the archive.
/// @throws Error format in words, or whatever libtorch throws at what is no TorchScript.
torch::jit::Module loadScriptArchive(const at::Tensor& bytes);

}  // namespace cumulens
