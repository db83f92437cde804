#include "core/cnn/ops/ops.h"
#include "core/runtime/error.h"

#include <algorithm>

namespace cumulens {
namespace {

/// The common shape of inputs of one rank, where a size of 1 stretches to the others' (a channel gate [C,1,1]).
Shape broadcastShape(const std::vector<Shape>& inputs) {
  check(inputs.size() >= 2, ErrorCode::shape, "takes two inputs or more, got ", inputs.size());
  Shape common = inputs.front();
  for (const Shape& input : inputs) {
    bool fits = input.size() == common.size();
    for (size_t i = 0; fits && i < common.size(); ++i) {
      fits = input[i] == common[i] || input[i] == 1 || common[i] == 1;
      common[i] = std::max(common[i], input[i]);
    }
    check(fits, ErrorCode::shape, "takes inputs of one shape, got ", shapeText(inputs.front()), " and ", shapeText(input));
  }
  return common;
}

/// One function of two inputs, applied from the first to the last.
OpPointer fold(const std::vector<Shape>& inputs, at::Tensor (*function)(const at::Tensor&, const at::Tensor&)) {
  return std::make_unique<FunctionOp>(broadcastShape(inputs), [function](at::ArrayRef<at::Tensor> x, const Pass&) {
    at::Tensor result = function(x[0], x[1]);
    for (const at::Tensor& more : x.slice(2)) result = function(result, more);
    return result;
  });
}

const std::vector<Shape>& onlyTwo(const std::vector<Shape>& inputs) {
  check(inputs.size() == 2, ErrorCode::shape, "takes two inputs, got ", inputs.size());
  return inputs;
}

}  // namespace

OpPointer makeAdd(const Attrs&, const std::vector<Shape>& inputs) {
  return fold(inputs, [](const at::Tensor& a, const at::Tensor& b) { return a + b; });
}

OpPointer makeSubtract(const Attrs&, const std::vector<Shape>& inputs) {
  return fold(onlyTwo(inputs), [](const at::Tensor& a, const at::Tensor& b) { return a - b; });
}

OpPointer makeMultiply(const Attrs&, const std::vector<Shape>& inputs) {
  return fold(inputs, [](const at::Tensor& a, const at::Tensor& b) { return a * b; });
}

OpPointer makeDivide(const Attrs&, const std::vector<Shape>& inputs) {
  return fold(onlyTwo(inputs), [](const at::Tensor& a, const at::Tensor& b) { return a / b; });
}

OpPointer makeMaximum(const Attrs&, const std::vector<Shape>& inputs) { return fold(inputs, at::maximum); }

OpPointer makeMinimum(const Attrs&, const std::vector<Shape>& inputs) { return fold(inputs, at::minimum); }

OpPointer makeAverage(const Attrs&, const std::vector<Shape>& inputs) {
  return std::make_unique<FunctionOp>(broadcastShape(inputs), [](at::ArrayRef<at::Tensor> x, const Pass&) {
    at::Tensor sum = x[0] + x[1];
    for (const at::Tensor& more : x.slice(2)) sum = sum + more;
    return sum / static_cast<double>(x.size());
  });
}

OpPointer makeConcat(const Attrs&, const std::vector<Shape>& inputs) {
  check(!inputs.empty(), ErrorCode::shape, "takes one input or more, got none");
  Shape joined = inputs.front();
  joined[0] = 0;
  for (const Shape& input : inputs) {
    check(input.size() == joined.size() && std::equal(input.begin() + 1, input.end(), joined.begin() + 1), ErrorCode::shape,
          "takes inputs that differ in channels alone, got ", shapeText(inputs.front()), " and ", shapeText(input));
    joined[0] += input[0];
  }
  return std::make_unique<FunctionOp>(joined, [](at::ArrayRef<at::Tensor> x, const Pass&) { return at::cat(x, 1); });
}

}  // namespace cumulens
