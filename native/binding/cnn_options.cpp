#include "binding/cnn_options.h"

#include "binding/errors.h"

namespace cumulens {
namespace {

AttrValue readAttr(const Options& attrs, const std::string& name) {
  const Napi::Value value = attrs.value(name);
  if (value.IsBoolean()) return attrs.flag(name);
  if (value.IsString()) return attrs.string(name);
  if (value.IsArray()) return attrs.numbers(name);
  return attrs.number(name);
}

NodeSpec readNode(const Options& options) {
  NodeSpec node;
  node.name = options.string("name");
  node.op = options.string("op");
  node.inputs = options.strings("inputs");
  if (options.has("weights")) node.weights = options.string("weights");
  const Options attrs = options.object("attrs");
  for (const std::string& name : attrs.names()) node.attrs.emplace(name, readAttr(attrs, name));
  return node;
}

}  // namespace

CnnSpec readCnnSpec(const Options& options) {
  CnnSpec spec;
  const Options input = options.object("input");
  spec.channels = input.integer("channels");
  spec.height = input.integer("height");
  spec.width = input.integer("width");
  for (const Options& node : options.objects("nodes")) spec.nodes.push_back(readNode(node));
  spec.output = options.string("output");
  spec.taps = options.strings("taps");
  spec.preprocessing = readPreprocessing(options.object("preprocessing"));
  return spec;
}

PreprocessingSpec readPreprocessing(const Options& preprocessing) {
  const std::vector<double> range = preprocessing.numbers("range");
  check(range.size() == 2, ErrorCode::option, "preprocessing.range: expected [low, high]");
  PreprocessingSpec spec;
  spec.low = range[0];
  spec.high = range[1];
  spec.mean = preprocessing.numbers("mean");
  spec.std = preprocessing.numbers("std");
  spec.bgr = preprocessing.string("channelOrder") == "bgr";
  return spec;
}

ExplainOptions readExplainOptions(const Options& options) {
  ExplainOptions result;
  result.method = options.string("method");
  result.size = options.size("size");
  result.normalise = options.flag("normalise");
  result.maps = options.flag("maps");
  result.conditions = options.integer("conditions");
  result.reverse = options.string("order") == "reverse";
  result.excludeTarget = options.flag("excludeTarget");
  result.targetMethod = options.string("targetMethod");
  result.targetTap = options.integer("targetTap");
  return result;
}

}  // namespace cumulens
