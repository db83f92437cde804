#include "core/cnn/graph_cnn.h"

#include "core/cnn/init.h"
#include "core/runtime/random.h"

#include <c10/core/GradMode.h>
#include <algorithm>

namespace cumulens {
namespace {

/// Runs `build`, putting the node's name before whatever it complains about.
template <typename Build>
auto inNode(const NodeSpec& spec, Build build) {
  try {
    return build();
  } catch (const Error& error) {
    throw Error(error.code(), text("node '", spec.name, "' (", spec.op, "): ", error.what()));
  }
}

size_t valueOf(const std::map<std::string, size_t>& values, const std::string& name, const char* role) {
  const auto found = values.find(name);
  check(found != values.end(), ErrorCode::option, role, " '", name, "' is not 'input' or an earlier node");
  return found->second;
}

/// Pictures and kernels run channels-last: 1.3 times faster in training on a CPU with AVX-512 (`small`, batch 64), and what tensor cores
/// want on a GPU. The layout is memory only: shapes and values stay N,C,H,W.
at::Tensor inRunningLayout(const at::Tensor& tensor) {
  return tensor.dim() == 4 ? tensor.contiguous(at::MemoryFormat::ChannelsLast) : tensor;
}

}  // namespace

GraphCnn::GraphCnn(const CnnSpec& spec, c10::Device device, at::ScalarType dtype, uint64_t seed)
    : device_(device),
      dtype_(dtype),
      preprocessing_(spec.preprocessing, spec.channels, device, dtype),
      inputShape_{spec.channels, spec.height, spec.width} {
  check(dtype == at::kFloat || dtype == at::kDouble, ErrorCode::option, "dtype must be float32 or float64");
  shapes_.push_back(inputShape_);
  std::map<std::string, size_t> values{{"input", 0}};
  for (const NodeSpec& node : spec.nodes) addNode(node, values, seed);
  output_ = valueOf(values, spec.output, "output");
  check(shapes_[output_].size() == 1, ErrorCode::shape, "the output '", spec.output, "' must be one logit a class, [K], but its shape is ",
        shapeText(shapes_[output_]));
  classes_ = shapes_[output_][0];
  markTaps(spec.taps, values);
  markLastUses();
}

void GraphCnn::addNode(const NodeSpec& spec, std::map<std::string, size_t>& values, uint64_t seed) {
  inNode(spec, [&] {
    Node node;
    node.name = spec.name;
    std::vector<Shape> inputs;
    for (const std::string& name : spec.inputs) {
      node.inputs.push_back(valueOf(values, name, "input"));
      inputs.push_back(shapes_[node.inputs.back()]);
    }
    node.op = makeOp(spec.op, Attrs(spec.attrs), inputs);
    addParameters(node, spec, seed);
    shapes_.push_back(node.op->outputShape());
    nodes_.push_back(std::move(node));
    check(values.emplace(spec.name, nodes_.size()).second, ErrorCode::option, "the name is taken");
  });
}

void GraphCnn::addParameters(Node& node, const NodeSpec& spec, uint64_t seed) {
  const std::string& owner = spec.weights.empty() ? spec.name : spec.weights;
  for (const ParameterSpec& parameter : node.op->parameters()) {
    const std::string name = owner + "." + parameter.name;
    if (spec.weights.empty()) {
      const auto index = state_.size();
      const auto generator = makeGenerator(c10::kCPU, seed, RandomStream::init, index);
      state_[name] = inRunningLayout(initialise(parameter, generator).to(device_, dtype_));
      if (parameter.trained) trained_.push_back(name);
    }
    const auto found = state_.find(name);
    check(found != state_.end(), ErrorCode::option, "shares the weights of '", owner, "', which has no '", parameter.name, "'");
    check(found->second.sizes() == at::IntArrayRef(parameter.shape), ErrorCode::shape, "shares '", name, "' of shape ",
          found->second.sizes(), ", but needs ", shapeText(parameter.shape));
    node.parameters.push_back(found->second);
  }
}

void GraphCnn::markTaps(const std::vector<std::string>& taps, const std::map<std::string, size_t>& values) {
  for (const std::string& name : taps) {
    const size_t value = valueOf(values, name, "tap");
    check(value > 0 && shapes_[value].size() == 3, ErrorCode::shape, "tap '", name, "' must be a node whose output is [C, H, W], got ",
          shapeText(shapes_[value]));
    nodes_[value - 1].tap = true;
  }
}

void GraphCnn::markLastUses() {
  std::vector<size_t> last(nodes_.size() + 1, 0);
  for (size_t i = 0; i < nodes_.size(); ++i) {
    last[i + 1] = i;  // a value nobody reads goes at once
    for (const size_t value : nodes_[i].inputs) last[value] = i;
  }
  for (size_t value = 0; value < last.size(); ++value) {
    if (value != output_ && !nodes_.empty()) nodes_[last[value]].lastUses.push_back(value);
  }
}

at::Tensor GraphCnn::execute(const at::Tensor& input, const Pass& pass, const CancelToken& cancel,
                             std::vector<at::Tensor>* activations) const {
  std::vector<at::Tensor> values(nodes_.size() + 1);
  values[0] = inRunningLayout(input);
  std::vector<at::Tensor> inputs;
  for (size_t i = 0; i < nodes_.size(); ++i) {
    cancel.check();
    const Node& node = nodes_[i];
    inputs.clear();
    for (const size_t value : node.inputs) inputs.push_back(values[value]);
    at::Tensor result = node.op->forward(inputs, node.parameters, pass);
    if (node.tap && activations) {
      // Before the first tap there is nothing to differentiate: the graph begins here.
      if (!result.requires_grad()) result = result.detach().requires_grad_(true);
      activations->push_back(result);
    }
    values[i + 1] = std::move(result);
    for (const size_t value : node.lastUses) values[value].reset();
  }
  return values[output_];
}

at::Tensor GraphCnn::run(const at::Tensor& input, const Pass& pass, const CancelToken& cancel) const {
  return execute(input, pass, cancel, nullptr);
}

at::Tensor GraphCnn::forward(const at::Tensor& input, const CancelToken& cancel) const {
  const c10::NoGradGuard noGrad;
  return run(input, {}, cancel);
}

TappedForward GraphCnn::forwardWithTaps(const at::Tensor& input, const CancelToken& cancel) const {
  const c10::AutoGradMode grad(true);
  TappedForward result;
  result.logits = execute(input, {}, cancel, &result.activations);
  return result;
}

at::Tensor GraphCnn::preprocess(const at::Tensor& images) const {
  const at::IntArrayRef expected = inputShape_;
  check(images.dim() == 4 && images.sizes().slice(1) == expected, ErrorCode::shape, "images must be [N, ", inputShape_[0], ", ",
        inputShape_[1], ", ", inputShape_[2], "], got ", images.sizes());
  return preprocessing_.apply(images);
}

void GraphCnn::loadStateDict(const std::map<std::string, at::Tensor>& state) {
  for (const auto& [name, tensor] : state_) {
    const auto found = state.find(name);
    check(found != state.end(), ErrorCode::format, "the weights have no tensor '", name, "'");
    check(found->second.sizes() == tensor.sizes(), ErrorCode::format, "the weight '", name, "' has shape ", found->second.sizes(),
          ", the network needs ", tensor.sizes());
  }
  for (const auto& [name, tensor] : state) {
    check(state_.count(name) > 0, ErrorCode::format, "the weights have a tensor '", name, "' that the network does not use");
  }
  const c10::NoGradGuard noGrad;
  for (auto& [name, tensor] : state_) tensor.copy_(state.at(name));
}

}  // namespace cumulens
