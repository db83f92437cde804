#pragma once

#include <ATen/ATen.h>

#include <utility>

namespace cumulens::kernels {

/// Convolutions without a stride that keep the height and width ('same'; an even kernel pads one less before than after), of float32
/// tensors on a CPU whose channels are few. There a library's convolution spends most of its time on being called: on looking up what
/// to run, on packing weights, on fetching scratch memory. These run straight over the channels-last tensors.

/// Whether they are the right ones for an input of so many channels and these weights [O,I,k,k]; the dtype and the device must be theirs
/// too.
bool isNarrow(const at::Tensor& x, const at::Tensor& weight);

/// x [N,I,H,W], weight [O,I,k,k], bias [O] → [N,O,H,W], channels last.
at::Tensor narrowConv(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

/// The gradient by x of a gradient [N,O,H,W] by the result.
at::Tensor narrowConvGradInput(const at::Tensor& grad, const at::Tensor& weight);

/// The gradients by weight and by bias. They are the same bits whatever the number of threads.
std::pair<at::Tensor, at::Tensor> narrowConvGradParameters(const at::Tensor& grad, const at::Tensor& x, int64_t kernel);

}  // namespace cumulens::kernels
