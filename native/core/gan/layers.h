#pragma once

#include <ATen/ATen.h>

#include <string>
#include <vector>

#include "core/gan/parameters.h"
#include "core/runtime/cancel.h"

namespace cumulens {

/// What a network is built from: where its parameters go, and how they start.
struct Builder {
  Parameters& parameters;
  at::Generator random;       // CPU generator, so that every device starts from the same bits
  at::TensorOptions options;  // device and dtype of the parameters
};

/// Looks at the token now, and again when the gradient passes `x` on its way back: an abort waits for one layer, not for a pass.
at::Tensor watched(at::Tensor x, const CancelToken& cancel);

/// The last convolutions' gain of residual blocks without normalisation: keeps 32 of them at order 1 before training.
constexpr double kResidualGain = 0.1;

/// A convolution that keeps the size ('same'; an even kernel pads one less on the left and top, as TensorFlow does).
class Conv2d {
 public:
  /// Glorot uniform weights times `gain`, zero biases. Several `names`: convolutions of one input, run as one and saved apart.
  Conv2d(Builder& builder, const std::vector<std::string>& names, int64_t inputs, int64_t outputs, int64_t kernel, double gain = 1.0);
  Conv2d(Builder& builder, const std::string& name, int64_t inputs, int64_t outputs, int64_t kernel, double gain = 1.0)
      : Conv2d(builder, std::vector<std::string>{name}, inputs, outputs, kernel, gain) {}

  at::Tensor operator()(const at::Tensor& x) const;

 private:
  at::Tensor weight_;
  at::Tensor bias_;
};

/// Activations in place, of a tensor nobody else reads.
inline at::Tensor reluInPlace(at::Tensor x) { return at::relu_(x); }
inline at::Tensor leakyReluInPlace(at::Tensor x, double slope) { return at::leaky_relu_(x, slope); }

/// A fully connected layer, Glorot uniform, zero biases.
class Linear {
 public:
  Linear(Builder& builder, const std::string& name, int64_t inputs, int64_t outputs);
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  at::Tensor weight_;
  at::Tensor bias_;
};

}  // namespace cumulens
