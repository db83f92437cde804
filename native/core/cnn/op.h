#pragma once

#include "core/cnn/attrs.h"

#include <ATen/ATen.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace cumulens {

/// A sample's shape without the batch: [C,H,W], or [F] after flattening.
using Shape = std::vector<int64_t>;

std::string shapeText(const Shape& shape);

/// How a parameter begins.
enum class Init { heNormal, fanInUniform, zeros, quarters, ones };

/// A tensor an op owns: `weight`, `bias` (trained), `running_mean`, `running_var` (buffers).
struct ParameterSpec {
  std::string name;
  Shape shape;
  Init init;
  bool trained = true;
};

/// What a forward pass needs to know beyond its tensors.
struct Pass {
  bool training = false;
  /// Batch norm moves its running statistics (only looked at when training).
  bool updateStatistics = true;
  /// Where dropout draws its mask from when training.
  std::optional<at::Generator> generator;
  /// By node: those that run as in evaluation all the same. Empty: none.
  std::vector<bool> frozen;
  /// Guided backpropagation's rule at activations (`Backward::guided`).
  bool guided = false;
};

/// One operation with its attributes resolved for a fixed input shape. It holds no tensors that are trained.
/// No op works in place: its input may be a tap, or be saved for a gradient.
class Op {
 public:
  virtual ~Op() = default;
  Op(const Op&) = delete;
  Op& operator=(const Op&) = delete;

  const Shape& outputShape() const { return outputShape_; }
  virtual std::vector<ParameterSpec> parameters() const { return {}; }
  /// @param inputs batches [N, …shape]; @param parameters in the order of `parameters()`.
  virtual at::Tensor forward(at::ArrayRef<at::Tensor> inputs, at::ArrayRef<at::Tensor> parameters, const Pass& pass) const = 0;

 protected:
  explicit Op(Shape outputShape) : outputShape_(std::move(outputShape)) {}

 private:
  Shape outputShape_;
};

using OpPointer = std::unique_ptr<const Op>;
using OpFactory = OpPointer (*)(const Attrs& attrs, const std::vector<Shape>& inputs);

/// Makes the op called `name` for inputs of these shapes.
/// @throws Error option for an unknown name or attribute, shape where the inputs do not fit.
OpPointer makeOp(const std::string& name, const Attrs& attrs, const std::vector<Shape>& inputs);

/// An op that has no parameters and is one function of its inputs.
class FunctionOp final : public Op {
 public:
  using Function = std::function<at::Tensor(at::ArrayRef<at::Tensor>, const Pass&)>;
  FunctionOp(Shape outputShape, Function function) : Op(std::move(outputShape)), function_(std::move(function)) {}
  at::Tensor forward(at::ArrayRef<at::Tensor> inputs, at::ArrayRef<at::Tensor>, const Pass& pass) const override {
    return function_(inputs, pass);
  }

 private:
  Function function_;
};

/// The one input of a unary op. @throws Error shape unless there is exactly one.
const Shape& onlyInput(const std::vector<Shape>& inputs);
/// The one input of an op on pictures, [C,H,W]. @throws Error shape for anything else.
const Shape& onlyImageInput(const std::vector<Shape>& inputs);

}  // namespace cumulens
