#include "core/cnn/ops/ops.h"

#include "core/runtime/error.h"

#include <c10/util/StringUtil.h>

#include <map>

namespace cumulens {
namespace {

const std::map<std::string, OpFactory>& factories() {
  static const std::map<std::string, OpFactory> table{
      {"conv2d", makeConv2d},
      {"batchNorm", makeBatchNorm},
      {"linear", makeLinear},
      {"relu", makeRelu},
      {"relu6", makeRelu6},
      {"leakyRelu", makeLeakyRelu},
      {"silu", makeSilu},
      {"sigmoid", makeSigmoid},
      {"hardSigmoid", makeHardSigmoid},
      {"hardSwish", makeHardSwish},
      {"gelu", makeGelu},
      {"tanh", makeTanh},
      {"erf", makeErf},
      {"elu", makeElu},
      {"selu", makeSelu},
      {"mish", makeMish},
      {"softplus", makeSoftplus},
      {"prelu", makePRelu},
      {"clip", makeClip},
      {"softmax", makeSoftmax},
      {"maxPool2d", makeMaxPool2d},
      {"avgPool2d", makeAvgPool2d},
      {"globalMaxPool2d", makeGlobalMaxPool2d},
      {"globalAvgPool2d", makeGlobalAvgPool2d},
      {"adaptiveMaxPool2d", makeAdaptiveMaxPool2d},
      {"adaptiveAvgPool2d", makeAdaptiveAvgPool2d},
      {"layerNorm", makeLayerNorm},
      {"groupNorm", makeGroupNorm},
      {"localResponseNorm", makeLocalResponseNorm},
      {"add", makeAdd},
      {"subtract", makeSubtract},
      {"multiply", makeMultiply},
      {"divide", makeDivide},
      {"average", makeAverage},
      {"maximum", makeMaximum},
      {"minimum", makeMinimum},
      {"concat", makeConcat},
      {"flatten", makeFlatten},
      {"reshape", makeReshape},
      {"zeroPad2d", makeZeroPad2d},
      {"crop2d", makeCrop2d},
      {"upsample2d", makeUpsample2d},
      {"slice", makeSlice},
      {"channelShuffle", makeChannelShuffle},
      {"rescale", makeRescale},
      {"dropout", makeDropout},
  };
  return table;
}

}  // namespace

OpPointer makeOp(const std::string& name, const Attrs& attrs, const std::vector<Shape>& inputs) {
  const auto found = factories().find(name);
  check(found != factories().end(), ErrorCode::option, "unknown op '", name, "'");
  return found->second(attrs, inputs);
}

std::string shapeText(const Shape& shape) { return text("[", c10::Join(", ", shape), "]"); }

const Shape& onlyInput(const std::vector<Shape>& inputs) {
  check(inputs.size() == 1, ErrorCode::shape, "takes one input, got ", inputs.size());
  return inputs.front();
}

const Shape& onlyImageInput(const std::vector<Shape>& inputs) {
  const Shape& input = onlyInput(inputs);
  check(input.size() == 3, ErrorCode::shape, "takes an input of shape [C, H, W], got ", shapeText(input));
  return input;
}

}  // namespace cumulens
