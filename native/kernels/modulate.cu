#include <ATen/Dispatch.h>
#include <ATen/OpMathType.h>
#include <ATen/cuda/CUDAContext.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>

#include <algorithm>

#include "kernels/modulate.h"

namespace cumulens::kernels {

namespace {

constexpr int kThreads = 256;
constexpr int64_t kMaxBlocks = 65535;

int blocksFor(int64_t elements) { return static_cast<int>(std::min((elements + kThreads - 1) / kThreads, kMaxBlocks)); }

template <typename T>
__global__ void modulateKernel(T* out, const T* x, const T* scale, const T* shift, int64_t n) {
  using Math = at::opmath_type<T>;
  const Modulate f;
  const int64_t stride = int64_t(blockDim.x) * gridDim.x;
  for (int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x; i < n; i += stride) {
    out[i] = static_cast<T>(f(Math(x[i]), Math(scale[i]), Math(shift[i])));
  }
}

template <typename T>
__global__ void modulateBackwardKernel(T* gradX, T* gradScale, const T* grad, const T* x, const T* scale, int64_t n) {
  using Math = at::opmath_type<T>;
  const ModulateGradX byX;
  const ModulateGradScale byScale;
  const int64_t stride = int64_t(blockDim.x) * gridDim.x;
  for (int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x; i < n; i += stride) {
    const Math g = Math(grad[i]);
    gradX[i] = static_cast<T>(byX(g, Math(scale[i])));
    gradScale[i] = static_cast<T>(byScale(g, Math(x[i])));
  }
}

}  // namespace

void launchModulate(at::Tensor& out, const at::Tensor& x, const at::Tensor& scale, const at::Tensor& shift) {
  const int64_t n = x.numel();
  if (n == 0) return;
  const c10::cuda::CUDAGuard guard(x.device());
  AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, x.scalar_type(), "modulate", [&] {
    modulateKernel<scalar_t><<<blocksFor(n), kThreads, 0, at::cuda::getCurrentCUDAStream()>>>(
        out.mutable_data_ptr<scalar_t>(), x.const_data_ptr<scalar_t>(), scale.const_data_ptr<scalar_t>(), shift.const_data_ptr<scalar_t>(),
        n);
  });
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

void launchModulateBackward(at::Tensor& gradX, at::Tensor& gradScale, const at::Tensor& grad, const at::Tensor& x,
                            const at::Tensor& scale) {
  const int64_t n = x.numel();
  if (n == 0) return;
  const c10::cuda::CUDAGuard guard(x.device());
  AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, x.scalar_type(), "modulateBackward", [&] {
    modulateBackwardKernel<scalar_t><<<blocksFor(n), kThreads, 0, at::cuda::getCurrentCUDAStream()>>>(
        gradX.mutable_data_ptr<scalar_t>(), gradScale.mutable_data_ptr<scalar_t>(), grad.const_data_ptr<scalar_t>(),
        x.const_data_ptr<scalar_t>(), scale.const_data_ptr<scalar_t>(), n);
  });
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

}  // namespace cumulens::kernels
