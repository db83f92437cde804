#include "core/gan/trainer.h"

#include <ATen/autocast_mode.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <limits>
#include <string>

#include "core/gan/losses.h"
#include "core/runtime/autocast.h"
#include "core/runtime/error.h"
#include "core/runtime/random.h"

namespace cumulens {

namespace {

const std::string kGeneratorPrefix = "generator.";
const std::string kDiscriminatorPrefix = "discriminator.";

at::Tensor undefinedScalar(const at::Tensor& like) {
  return at::full({}, std::numeric_limits<double>::quiet_NaN(), like.options().dtype(at::kFloat));
}

/// Share of logits on the right side of 0.
at::Tensor accuracy(const at::Tensor& logits, bool real) {
  return (real ? logits.detach().gt(0) : logits.detach().lt(0)).to(at::kFloat).mean();
}

StateDict withPrefix(const StateDict& state, const std::string& prefix) {
  StateDict result;
  for (const auto& [name, tensor] : state) result.emplace(prefix + name, tensor.clone());
  return result;
}

StateDict withoutPrefix(const StateDict& state, const std::string& prefix) {
  StateDict result;
  for (const auto& [name, tensor] : state) {
    if (name.starts_with(prefix)) result.emplace(name.substr(prefix.size()), tensor);
  }
  return result;
}

/// Takes the discriminator back to where it was, so that a step cancelled half-way leaves no trace.
class Rollback {
 public:
  Rollback(const Discriminator& discriminator, FusedAdam& adam)
      : discriminator_(discriminator), adam_(adam), moments_(withPrefix(adam.stateDict(), "")) {
    for (const auto& leaf : discriminator.parameters().leaves()) weights_.push_back(leaf.detach().clone());
  }

  void apply() {
    const c10::NoGradGuard noGrad;
    const auto& leaves = discriminator_.parameters().leaves();
    for (size_t i = 0; i < leaves.size(); ++i) leaves[i].detach().copy_(weights_[i]);
    adam_.loadStateDict(moments_);
  }

 private:
  const Discriminator& discriminator_;
  FusedAdam& adam_;
  StateDict moments_;
  std::vector<at::Tensor> weights_;
};

}  // namespace

GanTrainer::GanTrainer(const GanTrainerConfig& config, const std::shared_ptr<const ShardSet>& data, c10::Device device)
    : config_(config),
      batches_(data, config.batch, device),
      generator_(Generator::create(config.generator, config.seed, at::device(device).dtype(at::kFloat))),
      discriminator_(config.discriminator, config.seed, at::device(device).dtype(at::kFloat)),
      generatorAdam_(generator_->parameters().leaves(), config.generatorAdam),
      discriminatorAdam_(discriminator_.parameters().leaves(), config.discriminatorAdam) {
  checkData(*data);
  check(config.discriminatorEvery >= 1, ErrorCode::option, "discriminatorEvery is ", config.discriminatorEvery, ", expected at least 1");
  if (config.emaDecay > 0) {
    average_ = Generator::create(config.generator, config.seed, at::device(device).dtype(at::kFloat));
  }
}

void GanTrainer::checkData(const ShardSet& data) const {
  const int64_t size = config_.discriminator.size;
  const auto expect = [&](const char* name, int64_t channels) {
    const at::IntArrayRef shape = data.shapeOf(name);
    check(shape == at::IntArrayRef({channels, size, size}), ErrorCode::shape, "a training sample's '", name, "' has shape ", shape,
          ", expected [", channels, ",", size, ",", size, "]");
  };
  expect("image", 3);
  expect("conditions", config_.generator.conditions);
  // A one-channel target is repeated; a coloured one needs a generator of as many channels.
  const bool gray = data.shapeOf("target")[0] == 1;
  expect("target", gray ? 1 : config_.generator.outputChannels);
}

at::Tensor GanTrainer::run(int64_t steps, const CancelToken& cancel) {
  std::vector<at::Tensor> rows;
  for (int64_t i = 0; i < steps && !cancel.cancelled(); ++i) {
    try {
      rows.push_back(trainStep(cancel));
    } catch (const Error& error) {
      if (error.code() != ErrorCode::aborted) throw;
      break;
    }
  }
  if (rows.empty()) return at::empty({0, static_cast<int64_t>(kMetrics.size())}, at::kDouble);
  return at::stack(rows).to(at::kCPU, at::kDouble);
}

double GanTrainer::validate(const std::shared_ptr<const ShardSet>& data, const CancelToken& cancel) const {
  checkData(*data);
  const c10::NoGradGuard noGrad;
  const c10::Device device = generator_->parameters().leaves().front().device();
  const Batches samples(data, config_.batch, device);
  const Autocast autocast(device, config_.bfloat16);
  at::Tensor sum = at::zeros({}, at::device(device).dtype(at::kDouble));
  for (int64_t first = 0; first < data->size(); first += config_.batch.size) {
    const Batch batch = samples.of(at::arange(first, std::min(first + config_.batch.size, data->size()), at::kLong));
    const at::Tensor drawn = best().forward(batch.image, batch.conditions, cancel).to(at::kFloat);
    sum += (drawn - batch.target).abs().mean({1, 2, 3}).sum();
  }
  return sum.item<double>() / static_cast<double>(data->size());
}

at::Tensor GanTrainer::trainStep(const CancelToken& cancel) {
  const Batch batch = batches_.at(step_);
  const double factor = scheduleFactor(config_.schedule, step_);
  const Autocast autocast(batch.image.device(), config_.bfloat16);
  const at::Tensor fake = generator_->forward(batch.image, batch.conditions, cancel).to(at::kFloat);
  const at::Tensor nothing = undefinedScalar(fake);
  DiscriminatorReport report{nothing, nothing, nothing};
  at::Tensor row;
  if (step_ % config_.discriminatorEvery == 0) {
    Rollback rollback(discriminator_, discriminatorAdam_);
    try {
      report = trainDiscriminator(batch, fake.detach(), factor * config_.discriminatorAdam.learningRate, cancel);
      row = trainGenerator(batch, fake, report, factor * config_.generatorAdam.learningRate, cancel);
    } catch (...) {
      rollback.apply();
      throw;
    }
  } else {
    row = trainGenerator(batch, fake, report, factor * config_.generatorAdam.learningRate, cancel);
  }
  ++step_;
  updateAverage();
  return row;
}

void GanTrainer::descendDiscriminator(const at::Tensor& loss, double rate) {
  discriminatorAdam_.step(torch::autograd::grad({loss}, discriminator_.parameters().leaves()), rate);
  // Autocast keeps its casts of the weights, which have just changed: what comes next must not see the old ones.
  at::autocast::clear_cache();
}

GanTrainer::DiscriminatorReport GanTrainer::trainDiscriminator(const Batch& batch, const at::Tensor& fake, double rate,
                                                               const CancelToken& cancel) {
  const double weight = config_.discriminatorWeight;
  if (config_.separateDiscriminatorSteps) {
    const at::Tensor real = discriminator_.forward(batch.image, batch.target, cancel).to(at::kFloat);
    const at::Tensor realLoss = weight * adversarialLoss(real, true);
    descendDiscriminator(realLoss, rate);
    const at::Tensor drawn = discriminator_.forward(batch.image, fake, cancel).to(at::kFloat);
    const at::Tensor drawnLoss = weight * adversarialLoss(drawn, false);
    descendDiscriminator(drawnLoss, rate);
    return {(realLoss + drawnLoss).detach(), accuracy(real, true), accuracy(drawn, false)};
  }
  // The images are the same for both halves, so their branch runs once.
  const at::Tensor image = discriminator_.imageFeatures(batch.image, cancel);
  const at::Tensor maps = discriminator_.mapFeatures(at::cat({batch.target, fake}), cancel);
  const auto logits = discriminator_.judge(at::cat({image, image}), maps, cancel).to(at::kFloat).chunk(2);
  const at::Tensor loss = weight * (adversarialLoss(logits[0], true) + adversarialLoss(logits[1], false));
  descendDiscriminator(loss, rate);
  return {loss.detach(), accuracy(logits[0], true), accuracy(logits[1], false)};
}

at::Tensor GanTrainer::trainGenerator(const Batch& batch, const at::Tensor& fake, const DiscriminatorReport& report, double rate,
                                      const CancelToken& cancel) {
  // The gradient at the generator's output is taken first: its adversarial part is reported, and the discriminator's graph is gone
  // before the generator's backward pass needs the memory.
  const at::Tensor output = fake.detach().requires_grad_();
  at::Tensor image;
  {
    const c10::NoGradGuard noGrad;
    image = discriminator_.imageFeatures(batch.image, cancel);
  }
  const at::Tensor adversarial =
      adversarialLoss(discriminator_.judge(image, discriminator_.mapFeatures(output, cancel), cancel).to(at::kFloat), true);
  const at::Tensor adversarialGradient = torch::autograd::grad({adversarial}, {output})[0];
  cancel.check();
  const at::Tensor difference = output.detach() - batch.target;
  const at::Tensor l1 = difference.abs().mean();
  const at::Tensor gradient = adversarialGradient + difference.sign() * (config_.l1Weight / static_cast<double>(difference.numel()));
  generatorAdam_.step(torch::autograd::grad({fake}, generator_->parameters().leaves(), {gradient}), rate);
  const at::Tensor loss = adversarial.detach() + config_.l1Weight * l1;
  return at::stack({loss, adversarial.detach(), l1, report.loss, report.realAccuracy, report.fakeAccuracy, adversarialGradient.norm()});
}

void GanTrainer::updateAverage() {
  if (!average_) return;
  const c10::NoGradGuard noGrad;
  // Early steps weigh more, so that the average does not remember the random start.
  const double steps = static_cast<double>(step_);
  const double decay = std::min(config_.emaDecay, (1.0 + steps) / (10.0 + steps));
  at::_foreach_lerp_(average_->parameters().leaves(), generator_->parameters().leaves(), 1.0 - decay);
}

StateDict GanTrainer::optimizerState() const {
  StateDict state = withPrefix(generatorAdam_.stateDict(), kGeneratorPrefix);
  state.merge(withPrefix(discriminatorAdam_.stateDict(), kDiscriminatorPrefix));
  return state;
}

void GanTrainer::restore(int64_t step, const StateDict& generator, const StateDict& average, const StateDict& discriminator,
                         const StateDict& optimizer) {
  check(step >= 0, ErrorCode::format, "a checkpoint's step is ", step);
  generator_->load(generator);
  if (average_) average_->load(average);
  discriminator_.load(discriminator);
  generatorAdam_.loadStateDict(withoutPrefix(optimizer, kGeneratorPrefix));
  discriminatorAdam_.loadStateDict(withoutPrefix(optimizer, kDiscriminatorPrefix));
  step_ = step;
}

}  // namespace cumulens
