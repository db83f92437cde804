#pragma once

#include "core/cnn/op.h"

namespace cumulens {

// The factories that the table in registry.cpp lists, one file a family.
OpPointer makeConv2d(const Attrs&, const std::vector<Shape>&);
OpPointer makeBatchNorm(const Attrs&, const std::vector<Shape>&);
OpPointer makeLinear(const Attrs&, const std::vector<Shape>&);

OpPointer makeRelu(const Attrs&, const std::vector<Shape>&);
OpPointer makeRelu6(const Attrs&, const std::vector<Shape>&);
OpPointer makeLeakyRelu(const Attrs&, const std::vector<Shape>&);
OpPointer makeSilu(const Attrs&, const std::vector<Shape>&);
OpPointer makeSigmoid(const Attrs&, const std::vector<Shape>&);
OpPointer makeHardSigmoid(const Attrs&, const std::vector<Shape>&);
OpPointer makeHardSwish(const Attrs&, const std::vector<Shape>&);
OpPointer makeGelu(const Attrs&, const std::vector<Shape>&);
OpPointer makeTanh(const Attrs&, const std::vector<Shape>&);
OpPointer makeErf(const Attrs&, const std::vector<Shape>&);
OpPointer makeElu(const Attrs&, const std::vector<Shape>&);
OpPointer makeSelu(const Attrs&, const std::vector<Shape>&);
OpPointer makeMish(const Attrs&, const std::vector<Shape>&);
OpPointer makeSoftplus(const Attrs&, const std::vector<Shape>&);
OpPointer makePRelu(const Attrs&, const std::vector<Shape>&);
OpPointer makeClip(const Attrs&, const std::vector<Shape>&);
OpPointer makeSoftmax(const Attrs&, const std::vector<Shape>&);

OpPointer makeMaxPool2d(const Attrs&, const std::vector<Shape>&);
OpPointer makeAvgPool2d(const Attrs&, const std::vector<Shape>&);
OpPointer makeGlobalMaxPool2d(const Attrs&, const std::vector<Shape>&);
OpPointer makeGlobalAvgPool2d(const Attrs&, const std::vector<Shape>&);
OpPointer makeAdaptiveMaxPool2d(const Attrs&, const std::vector<Shape>&);
OpPointer makeAdaptiveAvgPool2d(const Attrs&, const std::vector<Shape>&);

OpPointer makeLayerNorm(const Attrs&, const std::vector<Shape>&);
OpPointer makeGroupNorm(const Attrs&, const std::vector<Shape>&);
OpPointer makeLocalResponseNorm(const Attrs&, const std::vector<Shape>&);

OpPointer makeAdd(const Attrs&, const std::vector<Shape>&);
OpPointer makeSubtract(const Attrs&, const std::vector<Shape>&);
OpPointer makeMultiply(const Attrs&, const std::vector<Shape>&);
OpPointer makeDivide(const Attrs&, const std::vector<Shape>&);
OpPointer makeAverage(const Attrs&, const std::vector<Shape>&);
OpPointer makeMaximum(const Attrs&, const std::vector<Shape>&);
OpPointer makeMinimum(const Attrs&, const std::vector<Shape>&);
OpPointer makeConcat(const Attrs&, const std::vector<Shape>&);

OpPointer makeFlatten(const Attrs&, const std::vector<Shape>&);
OpPointer makeReshape(const Attrs&, const std::vector<Shape>&);
OpPointer makeZeroPad2d(const Attrs&, const std::vector<Shape>&);
OpPointer makeCrop2d(const Attrs&, const std::vector<Shape>&);
OpPointer makeUpsample2d(const Attrs&, const std::vector<Shape>&);
OpPointer makeSlice(const Attrs&, const std::vector<Shape>&);
OpPointer makeChannelShuffle(const Attrs&, const std::vector<Shape>&);
OpPointer makeRescale(const Attrs&, const std::vector<Shape>&);
OpPointer makeDropout(const Attrs&, const std::vector<Shape>&);

}  // namespace cumulens
