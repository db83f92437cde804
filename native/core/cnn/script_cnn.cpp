#include "core/cnn/script_cnn.h"

#include "core/cnn/script/archive.h"
#include "core/cnn/script/graph.h"
#include "core/cnn/script/layers.h"
#include "core/cnn/script/limits.h"
#include "core/cnn/script/observer.h"
#include "core/cnn/script/outputs.h"
#include "core/cnn/tap_gradients.h"
#include "core/runtime/random.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/jit/runtime/interpreter.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <set>

namespace cumulens {
namespace {

/// Two images, so that a model which is bound to one shows.
constexpr int64_t kTrialImages = 2;

/// What a graph threw, in one line: the last of the interpreter's report, which lists the code before it.
[[noreturn]] void throwCleanly(const std::string& report, at::IntArrayRef images) {
  const size_t error = report.rfind("Error: ");
  std::string line = error == std::string::npos ? report : report.substr(error + 7);
  line = line.substr(0, line.find('\n'));
  const bool memory = line.find("not enough memory") != std::string::npos || line.find("out of memory") != std::string::npos ||
                      line.find("DefaultCPUAllocator") != std::string::npos;
  throw Error(memory ? ErrorCode::outOfMemory : ErrorCode::shape, text("the model failed on images ", images, ": ", line));
}

/// What a tensor of floats is that an operation makes without saying its type: as the weights.
class DefaultDtype {
 public:
  explicit DefaultDtype(at::ScalarType dtype) : outer_(c10::get_default_dtype()) {
    if (c10::get_default_dtype_as_scalartype() != dtype) c10::set_default_dtype(c10::scalarTypeToTypeMeta(dtype));
  }
  ~DefaultDtype() {
    if (c10::get_default_dtype() != outer_) c10::set_default_dtype(outer_);
  }
  DefaultDtype(const DefaultDtype&) = delete;
  DefaultDtype& operator=(const DefaultDtype&) = delete;

 private:
  caffe2::TypeMeta outer_;
};

/// What is changed in place after its gradient came to need it shows in the backward pass alone.
void checkGradient(const at::Tensor& logits, const std::vector<torch::autograd::Edge>& taps) {
  const at::Tensor score = logits.sum();
  if (!score.requires_grad()) return;
  try {
    visitTapGradients(taps, score, [](size_t, const at::Tensor&) {});
  } catch (const c10::OutOfMemoryError&) {
    throw;
  } catch (const c10::Error&) {
    throw Error(ErrorCode::format, "cannot be differentiated: " + describeCurrentException().second);
  }
}

}  // namespace

struct ScriptCnn::Program {
  Program(const at::Tensor& archive, const Placement& target)
      : placement(target),
        module(
            mapState(loadScriptArchive(archive), state, [this](const at::Tensor& tensor, const auto&) { return placement.place(tensor); })),
        script(prepareScriptGraph(module, placement)),
        code(script.graph, "forward") {
    noteVersions();
  }

  /// The same program over other tensors: its graph reads them from the module that it is given.
  Program(const Program& source, const std::function<at::Tensor(const at::Tensor&, const std::string&)>& map)
      : placement(source.placement),
        module(mapState(source.module, state, map)),
        script(source.script),
        code(source.code),
        events(source.events),
        eventOf(source.eventOf),
        logits(source.logits),
        channelsLast(source.channelsLast),
        changesInput(source.changesInput) {
    noteVersions();
  }

  void noteVersions() {
    for (const auto& [name, tensor] : state) versions.push_back(static_cast<uint32_t>(tensor._version()));
    for (const at::Tensor& tensor : script.constants) versions.push_back(static_cast<uint32_t>(tensor._version()));
  }

  c10::IValue run(const at::Tensor& input, ScriptObserver& observer, const CancelToken& cancel) const {
    std::vector<c10::IValue> stack{module._ivalue(), arrange(input)};
    const ScriptLimits limits(cancel);
    const DefaultDtype floats(placement.dtype);
    try {
      torch::jit::InterpreterState(code).run(stack);
    } catch (const std::exception& error) {
      observer.rethrow();
      limits.rethrow();
      throwCleanly(error.what(), input.sizes());
    }
    checkState();
    observer.finish();
    return stack.at(0);
  }

  /// The passes that a run must repeat, none of them wanted.
  std::vector<ScriptObserver::Event> untapped() const {
    std::vector<ScriptObserver::Event> result = events;
    for (auto& event : result) event.tapped = false;
    return result;
  }

  at::Tensor arrange(const at::Tensor& input) const {
    const at::Tensor arranged = input.contiguous(channelsLast ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous);
    return changesInput && arranged.is_same(input) ? arranged.clone() : arranged;
  }

  /// The same maps at every call need the same weights at every call.
  void checkState() const {
    size_t i = 0;
    const auto unchanged = [&](const at::Tensor& tensor, const std::string& name) {
      check(static_cast<uint32_t>(tensor._version()) == versions[i++], ErrorCode::format, "the model changes its own ", name,
            " while it runs: its maps would not be the same at every call");
    };
    for (const auto& [name, tensor] : state) unchanged(tensor, "'" + name + "'");
    for (const at::Tensor& tensor : script.constants) unchanged(tensor, "constant");
  }

  Placement placement;
  std::map<std::string, at::Tensor> state;  // of the module, which is made after it
  torch::jit::Module module;
  std::vector<uint32_t> versions;
  ScriptGraph script;
  torch::jit::Code code;
  // What the run at loading found.
  std::vector<ScriptObserver::Event> events;
  std::vector<size_t> eventOf;  // of each candidate
  LogitsPlace logits;
  bool channelsLast = true;
  bool changesInput = false;
};

std::unique_ptr<ScriptCnn::Program> ScriptCnn::load(const at::Tensor& archive, const ScriptOptions& options) try {
  return std::make_unique<Program>(archive, Placement{options.device, options.dtype});
} catch (...) {
  const auto [code, reason] = describeCurrentException();
  if (code != ErrorCode::internal) throw Error(code, reason);
  throw Error(ErrorCode::format, "cannot be read as TorchScript: " + reason);
}

ScriptCnn::ScriptCnn(const at::Tensor& archive, const ScriptOptions& options, const CancelToken& cancel) {
  const MemoryLimit memory;
  check(options.dtype == at::kFloat || options.dtype == at::kDouble, ErrorCode::option, "dtype must be float32 or float64");
  program_ = load(archive, options);
  notes_ = program_->script.notes;
  check(!program_->script.points.empty(), ErrorCode::format, "is not a CNN: its forward has no convolution over pictures");
  const auto channels = options.channels ? options.channels : program_->script.channels;
  check(channels.has_value(), ErrorCode::option,
        "the first convolution does not tell how many channels the images have: say so with input: { channels, height, width }");
  inputShape_ = {*channels, options.height, options.width};
  preprocessing_.emplace(options.preprocessing, *channels, options.device, options.dtype);
  discover(cancel);
}

ScriptCnn::~ScriptCnn() = default;

void ScriptCnn::discover(const CancelToken& cancel) {
  const c10::AutoGradMode grad(true);
  Program& program = *program_;
  const auto generator = makeGenerator(c10::kCPU, 0, RandomStream::noise);
  const at::Tensor noise = at::randn({kTrialImages, inputShape_[0], inputShape_[1], inputShape_[2]}, generator, at::kDouble)
                               .to(program.placement.device, program.placement.dtype);
  const auto attempt = [&] {
    const at::Tensor input = program.arrange(noise).clone();
    const auto version = input._version();
    ScriptObserver observer(cancel, nullptr);
    const c10::IValue output = program.run(input, observer, cancel);
    program.logits = findLogits(output, kTrialImages);
    checkGradient(takeLogits(output, program.logits, kTrialImages), observer.taps().edges);
    program.changesInput = input._version() != version;
    observer.markChanged();
    program.events = observer.events();
    classes_ = program.logits.classes;
    return std::move(observer.taps().activations);
  };
  std::vector<at::Tensor> values;
  try {
    values = attempt();
  } catch (const Error& error) {
    // A `view` that takes rows for granted fails on pictures whose channels lie innermost.
    if (error.code() != ErrorCode::shape) throw;
    program.channelsLast = false;
    values = attempt();
  }
  if (program.logits.part) notes_.push_back(program.logits.note);
  check(!program.events.empty(), ErrorCode::format, "is not a CNN: it ran no convolution over pictures");
  std::map<std::string, int> passes;
  std::vector<std::optional<size_t>> candidateOfPoint(program.script.points.size());
  for (size_t i = 0; i < program.events.size(); ++i) {
    program.events[i].tapped = false;
    const ScriptPoint& point = program.script.points[static_cast<size_t>(program.events[i].point)];
    const int pass = ++passes[point.name];
    const std::string name = pass == 1 ? point.name : text(point.name, "#", pass);
    if (values[i].dim() != 4 || values[i].size(0) != kTrialImages) {
      if (!point.owner) notes_.push_back(text("the convolution '", name, "' is no tap: it does not run on whole images, a row each"));
      continue;
    }
    candidateOfPoint[static_cast<size_t>(program.events[i].point)] = candidates_.size();
    program.eventOf.push_back(i);
    candidates_.push_back({name, point.op, values[i].sizes().slice(1).vec(), point.owner ? candidateOfPoint[*point.owner] : std::nullopt});
  }
}

bool ScriptCnn::vggLike() const { return program_->script.vggLike; }

void ScriptCnn::selectTaps(const std::vector<std::string>& names) {
  std::vector<bool> chosen(candidates_.size());
  for (const std::string& name : names) {
    const auto found = std::find_if(candidates_.begin(), candidates_.end(), [&](const ScriptTap& tap) { return tap.name == name; });
    check(found != candidates_.end(), ErrorCode::option, "tap '", name, "' is not a convolution, or its activation, of the model");
    chosen[static_cast<size_t>(found - candidates_.begin())] = true;
  }
  for (size_t i = 0; i < candidates_.size(); ++i) program_->events[program_->eventOf[i]].tapped = chosen[i];
}

at::Tensor ScriptCnn::forward(const at::Tensor& input, const CancelToken& cancel) const {
  const c10::NoGradGuard noGrad;
  const std::vector<ScriptObserver::Event> events = program_->untapped();
  ScriptObserver observer(cancel, &events);
  return takeLogits(program_->run(input, observer, cancel), program_->logits, input.size(0));
}

size_t ScriptCnn::tapCount() const {
  const auto& events = program_->events;
  return static_cast<size_t>(std::count_if(events.begin(), events.end(), [](const auto& event) { return event.tapped; }));
}

TappedForward ScriptCnn::tapped(const at::Tensor& input, const std::vector<bool>& wanted, const CancelToken& cancel) const {
  std::vector<ScriptObserver::Event> events = program_->events;
  std::vector<size_t> tapOf;  // of each wanted one
  size_t tap = 0;
  for (auto& event : events) {
    if (!event.tapped) continue;
    event.tapped = wanted[tap];
    if (event.tapped) tapOf.push_back(tap);
    ++tap;
  }
  // A value that is changed in place only for these images is copied in a second run.
  for (;;) {
    ScriptObserver observer(cancel, &events);
    const c10::IValue output = program_->run(input, observer, cancel);
    if (observer.markChanged()) {
      events = observer.events();
      continue;
    }
    TappedForward result{takeLogits(output, program_->logits, input.size(0)), std::vector<at::Tensor>(tap),
                         std::vector<torch::autograd::Edge>(tap)};
    for (size_t i = 0; i < tapOf.size(); ++i) {
      result.activations[tapOf[i]] = std::move(observer.taps().activations[i]);
      result.edges[tapOf[i]] = std::move(observer.taps().edges[i]);
    }
    return result;
  }
}

TappedForward ScriptCnn::forwardWithTaps(const at::Tensor& input, const std::vector<bool>& wanted, const CancelToken& cancel) const {
  const c10::AutoGradMode grad(true);
  return tapped(input, wanted, cancel);
}

at::Tensor ScriptCnn::forwardFromInput(const at::Tensor& input, Backward backward, const CancelToken& cancel) const {
  const c10::AutoGradMode grad(true);
  const std::vector<ScriptObserver::Event> events = program_->untapped();
  ScriptObserver observer(cancel, &events);
  if (backward == Backward::guided) observer.guide();
  return takeLogits(program_->run(input, observer, cancel), program_->logits, input.size(0));
}

class ScriptCnn::Branch final : public TapBranch {
 public:
  Branch(const ScriptCnn& cnn, const at::Tensor& input, size_t tap, const CancelToken& cancel)
      : program_(*cnn.program_), input_(input), events_(program_.untapped()) {
    std::vector<bool> wanted(cnn.tapCount());
    wanted[tap] = true;
    TappedForward forward = cnn.tapped(input, wanted, cancel);
    activation_ = std::move(forward.activations[tap]);
    logits_ = std::move(forward.logits);
    for (size_t taps = 0; !program_.events[event_].tapped || taps++ < tap;) ++event_;
  }

  at::Tensor finish(const at::Tensor& values, const at::Tensor& samples, const CancelToken& cancel) const override {
    const c10::NoGradGuard noGrad;
    ScriptObserver observer(cancel, &events_);
    observer.replace(event_, values);
    return takeLogits(program_.run(input_.index_select(0, samples), observer, cancel), program_.logits, samples.size(0));
  }

 private:
  const Program& program_;
  at::Tensor input_;
  std::vector<ScriptObserver::Event> events_;
  size_t event_ = 0;
};

std::unique_ptr<TapBranch> ScriptCnn::branchAt(const at::Tensor& input, size_t tap, const CancelToken& cancel) const {
  const c10::NoGradGuard noGrad;
  return std::make_unique<Branch>(*this, input, tap, cancel);
}

int64_t ScriptCnn::bytesPerImage(bool gradients) const {
  int64_t all = 0, most = 0;
  for (const ScriptTap& tap : candidates_) {
    const int64_t size = std::accumulate(tap.shape.begin(), tap.shape.end(), int64_t{1}, std::multiplies<>());
    all += size;
    most = std::max(most, size);
  }
  // Norms, activations and sums come beside the convolutions; without gradients few values live at once.
  return 4 * (gradients ? all : most) * static_cast<int64_t>(at::elementSize(program_->placement.dtype));
}

at::Tensor ScriptCnn::preprocess(const at::Tensor& images) const {
  Preprocessing::checkShape(images, inputShape_);
  return preprocessing_->apply(images);
}

c10::Device ScriptCnn::device() const { return program_->placement.device; }

const std::map<std::string, at::Tensor>& ScriptCnn::stateDict() const { return program_->state; }

std::vector<WeightedLayer> ScriptCnn::weightedLayers() const {
  std::vector<WeightedLayer> layers;
  for (const ScriptLayer& layer : findLayers(program_->script, program_->module, program_->state)) {
    const bool kernel = std::any_of(layer.parts.begin(), layer.parts.end(), [](const auto& part) { return part.kernel; });
    layers.push_back({layer.name, kernel});
  }
  return layers;
}

std::shared_ptr<Cnn> ScriptCnn::randomised(const std::vector<std::string>& layers, uint64_t seed) const {
  std::set<std::string> open(layers.begin(), layers.end());
  std::map<std::string, ScriptLayer::Part> chosen;
  for (const ScriptLayer& layer : findLayers(program_->script, program_->module, program_->state)) {
    if (open.erase(layer.name) == 0) continue;
    for (const ScriptLayer::Part& part : layer.parts) chosen.emplace(part.name, part);
  }
  check(open.empty(), ErrorCode::option, "'", open.empty() ? "" : *open.begin(), "' is not a module with weights of its own");
  std::map<std::string, uint64_t> places;  // in the order of names, which no call changes
  for (const auto& [name, tensor] : program_->state) places.emplace(name, places.size());
  auto program = std::make_unique<Program>(*program_, [&](const at::Tensor& tensor, const std::string& name) {
    const auto found = chosen.find(name);
    if (found == chosen.end()) return tensor;
    return drawAnew(tensor, found->second, makeGenerator(c10::kCPU, seed, RandomStream::randomise, places.at(name)));
  });
  return std::shared_ptr<Cnn>(new ScriptCnn(*this, std::move(program)));
}

ScriptCnn::ScriptCnn(const ScriptCnn& source, std::unique_ptr<Program> program)
    : program_(std::move(program)),
      preprocessing_(source.preprocessing_),
      inputShape_(source.inputShape_),
      classes_(source.classes_),
      candidates_(source.candidates_),
      notes_(source.notes_) {}

}  // namespace cumulens
