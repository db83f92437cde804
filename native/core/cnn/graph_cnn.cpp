#include "core/cnn/graph_cnn.h"

#include "core/cnn/init.h"
#include "core/cnn/tap_gradients.h"
#include "core/runtime/random.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <set>

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

GraphCnn::GraphCnn(const CnnSpec& spec, c10::Device device, at::ScalarType dtype, std::optional<uint64_t> seed)
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

void GraphCnn::addNode(const NodeSpec& spec, std::map<std::string, size_t>& values, std::optional<uint64_t> seed) {
  inNode(spec, [&] {
    Node node;
    node.name = spec.name;
    node.owner = spec.weights.empty() ? spec.name : spec.weights;
    std::vector<Shape> inputs;
    for (const std::string& name : spec.inputs) {
      node.inputs.push_back(valueOf(values, name, "input"));
      inputs.push_back(shapes_[node.inputs.back()]);
    }
    node.op = makeOp(spec.op, Attrs(spec.attrs), inputs);
    addParameters(node, spec.weights.empty(), seed);
    shapes_.push_back(node.op->outputShape());
    nodes_.push_back(std::move(node));
    check(values.emplace(spec.name, nodes_.size()).second, ErrorCode::option, "the name is taken");
  });
}

void GraphCnn::addParameters(Node& node, bool owns, std::optional<uint64_t> seed) {
  for (const ParameterSpec& parameter : node.op->parameters()) {
    const std::string name = node.owner + "." + parameter.name;
    if (owns) {
      const auto index = state_.size();
      const auto options = at::TensorOptions().device(device_).dtype(dtype_);
      const at::Tensor begin = seed ? initialise(parameter, makeGenerator(c10::kCPU, *seed, RandomStream::init, index)).to(options)
                                    : at::zeros(parameter.shape, options);
      state_[name] = inRunningLayout(begin);
      if (parameter.trained) trained_.push_back(name);
    }
    const auto found = state_.find(name);
    check(found != state_.end(), ErrorCode::option, "shares the weights of '", node.owner, "', which has no '", parameter.name, "'");
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
    nodes_[value - 1].tap = 0;
  }
  for (Node& node : nodes_) {
    if (node.tap) node.tap = tapCount_++;
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

struct GraphCnn::TapRecorder {
  const std::vector<bool>& wanted;
  TappedForward taps;

  /// What the pass goes on with in place of a tapped value.
  at::Tensor record(const at::Tensor& value, size_t tap) {
    if (!wanted[tap]) return value;
    // Before the first tap there is nothing to differentiate: the graph begins here, on a tensor that no earlier node has for its own.
    at::Tensor result = value.requires_grad() ? value : asGraphRoot(value.detach());
    taps.activations[tap] = result.detach();
    taps.edges[tap] = torch::autograd::impl::gradient_edge(result);
    return result;
  }
};

at::Tensor GraphCnn::executeNode(size_t node, std::vector<at::Tensor>& values, const Pass& pass) const {
  std::vector<at::Tensor> inputs;
  inputs.reserve(nodes_[node].inputs.size());
  for (const size_t value : nodes_[node].inputs) inputs.push_back(values[value]);
  static const Pass evaluation;
  const bool frozen = node < pass.frozen.size() && pass.frozen[node];
  return nodes_[node].op->forward(inputs, nodes_[node].parameters, frozen ? evaluation : pass);
}

at::Tensor GraphCnn::execute(const at::Tensor& input, const Pass& pass, const CancelToken& cancel, TapRecorder* recorder,
                             Kept* kept) const {
  std::vector<at::Tensor> values(nodes_.size() + 1);
  values[0] = inRunningLayout(input);
  for (size_t i = 0; i < nodes_.size(); ++i) {
    cancel.check();
    const Node& node = nodes_[i];
    at::Tensor result = executeNode(i, values, pass);
    if (node.tap && recorder) result = recorder->record(result, *node.tap);
    values[i + 1] = std::move(result);
    for (const size_t value : node.lastUses) {
      if (!kept || !kept->wanted[value]) values[value].reset();
    }
  }
  at::Tensor output = values[output_];
  if (kept) kept->values = std::move(values);
  return output;
}

at::Tensor GraphCnn::run(const at::Tensor& input, const Pass& pass, const CancelToken& cancel) const {
  return execute(input, pass, cancel, nullptr, nullptr);
}

at::Tensor GraphCnn::forward(const at::Tensor& input, const CancelToken& cancel) const {
  const c10::NoGradGuard noGrad;
  return run(input, {}, cancel);
}

TappedForward GraphCnn::forwardWithTaps(const at::Tensor& input, const std::vector<bool>& wanted, const CancelToken& cancel) const {
  const c10::AutoGradMode grad(true);
  TapRecorder recorder{wanted, {{}, std::vector<at::Tensor>(tapCount_), std::vector<torch::autograd::Edge>(tapCount_)}};
  recorder.taps.logits = execute(input, {}, cancel, &recorder, nullptr);
  return std::move(recorder.taps);
}

at::Tensor GraphCnn::forwardFromInput(const at::Tensor& input, Backward backward, const CancelToken& cancel) const {
  const c10::AutoGradMode grad(true);
  Pass pass;
  pass.guided = backward == Backward::guided;
  return run(input, pass, cancel);
}

int64_t GraphCnn::bytesPerImage(bool gradients) const {
  const auto sizeOf = [&](size_t value) {
    return std::accumulate(shapes_[value].begin(), shapes_[value].end(), int64_t{1}, std::multiplies<>());
  };
  int64_t all = sizeOf(0), live = all, most = all;
  for (size_t i = 0; i < nodes_.size(); ++i) {
    all += sizeOf(i + 1);
    live += sizeOf(i + 1);
    most = std::max(most, live);
    for (const size_t value : nodes_[i].lastUses) live -= sizeOf(value);
  }
  // Half as much again for what operations need while they run, and for the gradients under way.
  return (gradients ? all : most) * static_cast<int64_t>(at::elementSize(dtype_)) * 3 / 2;
}

at::Tensor GraphCnn::preprocess(const at::Tensor& images) const {
  Preprocessing::checkShape(images, inputShape_);
  return preprocessing_.apply(images);
}

std::vector<WeightedLayer> GraphCnn::weightedLayers() const {
  std::vector<WeightedLayer> layers;
  for (const Node& node : nodes_) {
    if (node.owner != node.name || node.parameters.empty()) continue;
    const bool kernel = std::any_of(node.parameters.begin(), node.parameters.end(), [](const auto& tensor) { return tensor.dim() > 1; });
    layers.push_back({node.name, kernel});
  }
  return layers;
}

std::shared_ptr<Cnn> GraphCnn::randomised(const std::vector<std::string>& layers, uint64_t seed) const {
  return std::shared_ptr<Cnn>(new GraphCnn(*this, layers, seed));
}

GraphCnn::GraphCnn(const GraphCnn& source, const std::vector<std::string>& layers, uint64_t seed)
    : device_(source.device_),
      dtype_(source.dtype_),
      preprocessing_(source.preprocessing_),
      inputShape_(source.inputShape_),
      classes_(source.classes_),
      tapCount_(source.tapCount_),
      nodes_(source.nodes_),
      shapes_(source.shapes_),
      output_(source.output_),
      state_(source.state_),
      trained_(source.trained_),
      aliased_(true) {
  std::set<std::string> open(layers.begin(), layers.end());
  uint64_t index = 0;
  for (Node& node : nodes_) {
    const std::vector<ParameterSpec> specs = node.op->parameters();
    const bool owner = node.owner == node.name;
    const bool chosen = owner && !specs.empty() && open.erase(node.name) > 0;
    for (size_t i = 0; i < specs.size(); ++i) {
      at::Tensor& tensor = state_.at(node.owner + "." + specs[i].name);
      if (chosen) {
        const auto generator = makeGenerator(c10::kCPU, seed, RandomStream::randomise, index);
        tensor = inRunningLayout(initialise(specs[i], generator).to(device_, dtype_));
      }
      if (owner) ++index;
      node.parameters[i] = tensor;
    }
  }
  check(open.empty(), ErrorCode::option, "'", open.empty() ? "" : *open.begin(), "' is not a node with weights of its own");
}

std::vector<bool> GraphCnn::usersOf(const std::vector<std::string>& layers) const {
  std::vector<bool> users(nodes_.size(), false);
  for (const std::string& layer : layers) {
    bool found = false;
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (nodes_[i].owner != layer || nodes_[i].parameters.empty()) continue;
      users[i] = found = true;
    }
    check(found, ErrorCode::option, "'", layer, "' is not a layer with weights");
  }
  return users;
}

void GraphCnn::loadStateDict(const std::map<std::string, at::Tensor>& state) {
  check(!aliased_, ErrorCode::option, "this network shares weights with another, and takes none");
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
