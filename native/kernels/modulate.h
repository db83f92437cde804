#pragma once

#include <ATen/ATen.h>

#include <utility>

#if defined(__CUDACC__)
#define CUMULENS_HOST_DEVICE __host__ __device__
#else
#define CUMULENS_HOST_DEVICE
#endif

namespace cumulens::kernels {

/// Spatial feature modulation, METHOD §4: SFT(x, c) = x·(scale + 1) + shift.
struct Modulate {
  template <typename T>
  CUMULENS_HOST_DEVICE T operator()(T x, T scale, T shift) const {
    return x * (scale + T(1)) + shift;
  }
};

/// Its derivative by x; the derivative by shift is the incoming gradient itself.
struct ModulateGradX {
  template <typename T>
  CUMULENS_HOST_DEVICE T operator()(T grad, T scale) const {
    return grad * (scale + T(1));
  }
};

/// Its derivative by scale.
struct ModulateGradScale {
  template <typename T>
  CUMULENS_HOST_DEVICE T operator()(T grad, T x) const {
    return grad * x;
  }
};

/// x·(scale + 1) + shift in one pass over memory. The three have one shape and one dtype; the result has x's memory format.
at::Tensor modulate(const at::Tensor& x, const at::Tensor& scale, const at::Tensor& shift);

/// (∂/∂x, ∂/∂scale) of `modulate`, in one pass over memory.
std::pair<at::Tensor, at::Tensor> modulateBackward(const at::Tensor& grad, const at::Tensor& x, const at::Tensor& scale);

#if defined(CUMULENS_CUDA)
void launchModulate(at::Tensor& out, const at::Tensor& x, const at::Tensor& scale, const at::Tensor& shift);
void launchModulateBackward(at::Tensor& gradX, at::Tensor& gradScale, const at::Tensor& grad, const at::Tensor& x, const at::Tensor& scale);
#endif

}  // namespace cumulens::kernels
