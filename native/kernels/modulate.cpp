#include "kernels/modulate.h"

#include <ATen/Dispatch.h>
#include <ATen/OpMathType.h>
#include <ATen/Parallel.h>

namespace cumulens::kernels {

namespace {

// Elements a thread takes at a time: large enough to hide the hand-over, small enough to share a 64×64 map.
constexpr int64_t kGrain = 1 << 15;

/// `like`'s dense layout for all operands, so that the loops below walk plain memory.
at::Tensor aligned(const at::Tensor& tensor, const at::Tensor& like) {
  return tensor.strides() == like.strides() ? tensor : at::empty_like(like).copy_(tensor);
}

at::Tensor dense(const at::Tensor& x) { return x.is_non_overlapping_and_dense() ? x : x.contiguous(x.suggest_memory_format()); }

void modulateCpu(at::Tensor& out, const at::Tensor& x, const at::Tensor& scale, const at::Tensor& shift) {
  AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, x.scalar_type(), "modulate", [&] {
    using Math = at::opmath_type<scalar_t>;
    auto* o = out.mutable_data_ptr<scalar_t>();
    const auto* a = x.const_data_ptr<scalar_t>();
    const auto* s = scale.const_data_ptr<scalar_t>();
    const auto* t = shift.const_data_ptr<scalar_t>();
    at::parallel_for(0, x.numel(), kGrain, [=](int64_t begin, int64_t end) {
      const Modulate f;
      for (int64_t i = begin; i < end; ++i) {
        o[i] = static_cast<scalar_t>(f(Math(a[i]), Math(s[i]), Math(t[i])));
      }
    });
  });
}

void modulateBackwardCpu(at::Tensor& gradX, at::Tensor& gradScale, const at::Tensor& grad, const at::Tensor& x, const at::Tensor& scale) {
  AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, x.scalar_type(), "modulateBackward", [&] {
    using Math = at::opmath_type<scalar_t>;
    auto* gx = gradX.mutable_data_ptr<scalar_t>();
    auto* gs = gradScale.mutable_data_ptr<scalar_t>();
    const auto* g = grad.const_data_ptr<scalar_t>();
    const auto* a = x.const_data_ptr<scalar_t>();
    const auto* s = scale.const_data_ptr<scalar_t>();
    at::parallel_for(0, x.numel(), kGrain, [=](int64_t begin, int64_t end) {
      const ModulateGradX byX;
      const ModulateGradScale byScale;
      for (int64_t i = begin; i < end; ++i) {
        gx[i] = static_cast<scalar_t>(byX(Math(g[i]), Math(s[i])));
        gs[i] = static_cast<scalar_t>(byScale(Math(g[i]), Math(a[i])));
      }
    });
  });
}

}  // namespace

at::Tensor modulate(const at::Tensor& x, const at::Tensor& scale, const at::Tensor& shift) {
  TORCH_CHECK(x.sizes() == scale.sizes() && x.sizes() == shift.sizes(), "modulate: shapes differ: ", x.sizes(), ", ", scale.sizes(), ", ",
              shift.sizes());
  const at::Tensor xDense = dense(x);
  const at::Tensor scaleAligned = aligned(scale, xDense);
  const at::Tensor shiftAligned = aligned(shift, xDense);
  at::Tensor out = at::empty_like(xDense);
  if (x.is_cpu()) {
    modulateCpu(out, xDense, scaleAligned, shiftAligned);
    return out;
  }
#if defined(CUMULENS_CUDA)
  launchModulate(out, xDense, scaleAligned, shiftAligned);
#else
  at::addcmul_out(out, shiftAligned, xDense, scaleAligned).add_(xDense);
#endif
  return out;
}

std::pair<at::Tensor, at::Tensor> modulateBackward(const at::Tensor& grad, const at::Tensor& x, const at::Tensor& scale) {
  const at::Tensor xDense = dense(x);
  const at::Tensor gradAligned = aligned(grad, xDense);
  const at::Tensor scaleAligned = aligned(scale, xDense);
  at::Tensor gradX = at::empty_like(xDense);
  at::Tensor gradScale = at::empty_like(xDense);
  if (x.is_cpu()) {
    modulateBackwardCpu(gradX, gradScale, gradAligned, xDense, scaleAligned);
    return {gradX, gradScale};
  }
#if defined(CUMULENS_CUDA)
  launchModulateBackward(gradX, gradScale, gradAligned, xDense, scaleAligned);
#else
  at::addcmul_out(gradX, gradAligned, gradAligned, scaleAligned);
  at::mul_out(gradScale, gradAligned, xDense);
#endif
  return {gradX, gradScale};
}

}  // namespace cumulens::kernels
