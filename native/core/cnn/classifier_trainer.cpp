#include "core/cnn/classifier_trainer.h"

#include "core/cnn/schedule.h"
#include "core/cnn/unfrozen.h"
#include "core/runtime/random.h"

#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <set>

namespace cumulens {
namespace {

/// `parts` [steps,2] on the host, a column each for loss and accuracy. The one copy of a chunk.
TrainChunk toHost(const std::vector<at::Tensor>& parts) {
  TrainChunk chunk;
  if (parts.empty()) return chunk;
  const at::Tensor host = at::stack(parts).to(at::kCPU, at::kDouble).contiguous();
  const auto rows = host.accessor<double, 2>();
  for (int64_t i = 0; i < rows.size(0); ++i) {
    chunk.loss.push_back(rows[i][0]);
    chunk.accuracy.push_back(rows[i][1]);
  }
  return chunk;
}

/// The gradient in its parameter's memory layout: the fused optimizers walk both as flat memory.
at::Tensor alignGradient(const at::Tensor& gradient, const at::Tensor& parameter) {
  if (!gradient.defined()) return at::zeros_like(parameter);
  if (gradient.strides() == parameter.strides()) return gradient;
  return at::empty_like(parameter).copy_(gradient);
}

at::Tensor correct(const at::Tensor& logits, const at::Tensor& labels) { return logits.argmax(1) == labels; }

}  // namespace

ClassifierTrainer::ClassifierTrainer(std::shared_ptr<GraphCnn> cnn, std::shared_ptr<const ShardSet> data, at::Tensor samples,
                                     const ClassifierOptions& options)
    : cnn_(std::move(cnn)), data_(std::move(data)), samples_(std::move(samples)), options_(options) {
  check(samples_.numel() > 1, ErrorCode::option, "training needs at least two samples, got ", samples_.numel());
  check(options_.batchSize >= 1, ErrorCode::option, "batchSize: expected 1 or more, got ", options_.batchSize);
  options_.batchSize = std::min(options_.batchSize, samples_.numel());
  stepsPerEpoch_ = samples_.numel() / options_.batchSize;
  frozenNodes_ = cnn_->usersOf(options_.frozen);
  collectParameters();
  addGroup(true);
  addGroup(false);
}

void ClassifierTrainer::collectParameters() {
  const std::set<std::string> frozen(options_.frozen.begin(), options_.frozen.end());
  for (const std::string& name : cnn_->trainedNames()) {
    if (frozen.count(name.substr(0, name.rfind('.'))) == 0) parameters_.push_back(cnn_->stateDict().at(name));
  }
  check(!parameters_.empty(), ErrorCode::option, "every layer is frozen: nothing is left to train");
}

void ClassifierTrainer::addGroup(bool decayed) {
  std::vector<size_t> members;
  std::vector<at::Tensor> tensors;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    // Matrices and kernels are decayed; biases and the scales of norms are vectors.
    if ((parameters_[i].dim() > 1) != decayed) continue;
    members.push_back(i);
    tensors.push_back(parameters_[i]);
  }
  const double decay = decayed ? options_.weightDecay : 0.0;
  if (options_.adam) {
    const AdamOptions adam{options_.learningRate, options_.beta1, options_.beta2, options_.epsilon, decay};
    groups_.push_back({std::move(members), FusedAdam(std::move(tensors), adam)});
  } else {
    const SgdOptions sgd{options_.learningRate, options_.momentum, options_.nesterov, decay};
    groups_.push_back({std::move(members), FusedSgd(std::move(tensors), sgd)});
  }
}

at::Tensor ClassifierTrainer::batchIndices() {
  const int64_t epoch = step_ / stepsPerEpoch_, begin = step_ % stepsPerEpoch_ * options_.batchSize;
  if (epoch != orderEpoch_) {
    const auto generator = makeGenerator(c10::kCPU, options_.seed, RandomStream::shuffle, static_cast<uint64_t>(epoch));
    order_ = samples_.index_select(0, at::randperm(samples_.numel(), generator, at::kLong));
    orderEpoch_ = epoch;
  }
  return order_.slice(0, begin, begin + options_.batchSize);
}

at::Tensor ClassifierTrainer::trainStep() {
  // A step is short and is done whole; `train` looks at the caller's token between steps.
  static const CancelToken never;
  const auto device = cnn_->device();
  const auto draw = static_cast<uint64_t>(step_);
  const at::Tensor indices = batchIndices();
  const at::Tensor labels = data_->gather("label", indices).to(device);
  const at::Tensor images = augment(data_->gather("image", indices).to(device), options_.augment,
                                    makeGenerator(device, options_.seed, RandomStream::augment, draw));
  Pass pass;
  pass.training = true;
  pass.frozen = frozenNodes_;
  pass.generator = makeGenerator(device, options_.seed, RandomStream::dropout, draw);

  const c10::AutoGradMode grad(true);
  const at::Tensor logits = cnn_->run(cnn_->preprocess(images), pass, never);
  const at::Tensor loss = at::cross_entropy_loss(logits, labels, {}, at::Reduction::Mean, -100, options_.labelSmoothing);
  update(torch::autograd::grad({loss}, parameters_, {}, /*retain_graph=*/false, /*create_graph=*/false,
                               /*allow_unused=*/true));
  const c10::NoGradGuard noGrad;
  return at::stack({loss.detach(), correct(logits, labels).to(loss.scalar_type()).mean()});
}

void ClassifierTrainer::update(const std::vector<at::Tensor>& gradients) {
  const c10::NoGradGuard noGrad;
  const double rate = options_.learningRate * cosineSchedule(step_, options_.warmupSteps, options_.totalSteps);
  for (Group& group : groups_) {
    std::vector<at::Tensor> own;
    own.reserve(group.members.size());
    for (const size_t i : group.members) {
      own.push_back(alignGradient(gradients[i], parameters_[i]));
    }
    std::visit([&](auto& optimizer) { optimizer.step(own, rate); }, group.optimizer);
  }
}

TrainChunk ClassifierTrainer::train(int64_t steps, const CancelToken& cancel) {
  const Unfrozen unfrozen(parameters_);
  std::vector<at::Tensor> measured;
  for (; steps > 0 && step_ < options_.totalSteps && !cancel.cancelled(); --steps, ++step_) measured.push_back(trainStep());
  return toHost(measured);
}

std::map<std::string, at::Tensor> ClassifierTrainer::stateDict() const {
  std::map<std::string, at::Tensor> state{{"step", at::tensor({step_}, at::kLong)}};
  for (size_t g = 0; g < groups_.size(); ++g) {
    const auto tensors = std::visit([](const auto& optimizer) { return optimizer.stateDict(); }, groups_[g].optimizer);
    for (const auto& [name, tensor] : tensors) state[text("group", g, ".", name)] = tensor;
  }
  return state;
}

void ClassifierTrainer::loadStateDict(const std::map<std::string, at::Tensor>& state) {
  const auto step = state.find("step");
  check(step != state.end() && step->second.numel() == 1, ErrorCode::format, "the training state has no 'step'");
  for (size_t g = 0; g < groups_.size(); ++g) {
    const std::string prefix = text("group", g, ".");
    std::map<std::string, at::Tensor> own;
    for (const auto& [name, tensor] : state) {
      if (name.rfind(prefix, 0) == 0) own[name.substr(prefix.size())] = tensor;
    }
    std::visit([&](auto& optimizer) { optimizer.loadStateDict(own); }, groups_[g].optimizer);
  }
  step_ = step->second.item<int64_t>();
}

Evaluation evaluateClassifier(const Cnn& cnn, const ShardSet& data, const at::Tensor& samples, int64_t batchSize,
                              const CancelToken& cancel) {
  check(batchSize >= 1, ErrorCode::option, "batchSize: expected 1 or more, got ", batchSize);
  const c10::NoGradGuard noGrad;
  const int64_t count = samples.numel();
  std::vector<at::Tensor> sums;
  for (int64_t begin = 0; begin < count; begin += batchSize) {
    cancel.check();
    const at::Tensor indices = samples.slice(0, begin, std::min(begin + batchSize, count));
    const at::Tensor logits = cnn.forward(cnn.preprocess(data.gather("image", indices)), cancel);
    const at::Tensor labels = data.gather("label", indices).to(logits.device());
    const at::Tensor loss = at::cross_entropy_loss(logits, labels, {}, at::Reduction::Sum);
    sums.push_back(at::stack({loss.to(at::kDouble), correct(logits, labels).sum().to(at::kDouble)}));
  }
  if (count == 0) return {};
  const at::Tensor total = at::stack(sums).sum(0).to(at::kCPU) / static_cast<double>(count);
  return {total[0].item<double>(), total[1].item<double>(), count};
}

}  // namespace cumulens
