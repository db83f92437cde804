#pragma once

#include <ATen/ATen.h>

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/gan/batches.h"
#include "core/gan/discriminator.h"
#include "core/gan/generator.h"
#include "core/gan/schedule.h"
#include "core/runtime/cancel.h"
#include "core/runtime/fused_adam.h"
#include "core/runtime/memory_cache.h"

namespace cumulens {

/// Settings of a training; the defaults are METHOD §6.
struct GanTrainerConfig {
  GeneratorConfig generator;
  DiscriminatorConfig discriminator;
  BatchConfig batch;
  AdamOptions generatorAdam{2e-4, 0.5, 0.999, 1e-7, 0.0};
  AdamOptions discriminatorAdam{1e-3, 0.9, 0.999, 1e-7, 0.0};
  double l1Weight = 100.0;
  double discriminatorWeight = 0.3;
  int64_t discriminatorEvery = 1;           // the discriminator learns at every n-th step
  bool separateDiscriminatorSteps = false;  // one step on the real batch, then one on the fake: the reference's
  double emaDecay = 0.0;                    // of the averaged generator; 0 keeps none
  Schedule schedule;
  bool bfloat16 = false;  // autocast; weights and losses stay float
  uint64_t seed = 0;
};

/// Trains a generator against a discriminator, METHOD §6. Whatever a step draws depends on the seed and the step alone, so a trainer that
/// loaded the state of step k goes on with the very bits of one that never stopped.
class GanTrainer {
 public:
  /// What `run` tells of a step. The discriminator's are NaN at a step it does not learn at.
  static constexpr std::array<const char*, 7> kMetrics{"generatorLoss", "adversarial",        "l1", "discriminatorLoss", "realAccuracy",
                                                       "fakeAccuracy",  "adversarialGradient"};

  /// @throws Error{shape} when the data does not fit the sizes.
  GanTrainer(const GanTrainerConfig& config, const std::shared_ptr<const ShardSet>& data, c10::Device device);

  /// Up to `steps` steps. Cancelled, it ends early with whole steps only: the one under way is undone.
  /// @returns a row of kMetrics for each step done: double [done, 7] on the CPU, copied from the device once.
  at::Tensor run(int64_t steps, const CancelToken& cancel);

  /// Mean |G − target| of the generator to use over samples that are not trained on, a batch in memory at a time: [] double on the CPU.
  /// @throws Error{shape} when they do not fit the sizes.
  double validate(const std::shared_ptr<const ShardSet>& data, const CancelToken& cancel) const;

  int64_t step() const { return step_; }

  /// The generator to use: the average where one is kept, else the trained one.
  const Generator& best() const { return average_ ? *average_ : *generator_; }
  const Generator& generator() const { return *generator_; }
  const Generator* average() const { return average_.get(); }
  const Discriminator& discriminator() const { return discriminator_; }

  /// Moments and step counts of both optimisers: copies.
  StateDict optimizerState() const;
  /// Continues at `step` from the states of a checkpoint; `average` is empty where none is kept. @throws Error{format}.
  void restore(int64_t step, const StateDict& generator, const StateDict& average, const StateDict& discriminator,
               const StateDict& optimizer);

 private:
  struct DiscriminatorReport {
    at::Tensor loss;
    at::Tensor realAccuracy;
    at::Tensor fakeAccuracy;
  };

  void checkData(const ShardSet& data) const;
  at::Tensor trainStep(const CancelToken& cancel);
  DiscriminatorReport trainDiscriminator(const Batch& batch, const at::Tensor& fake, double rate, const CancelToken& cancel);
  void descendDiscriminator(const at::Tensor& loss, double rate);
  at::Tensor trainGenerator(const Batch& batch, const at::Tensor& fake, const DiscriminatorReport& report, double rate,
                            const CancelToken& cancel);
  void updateAverage();

  GanTrainerConfig config_;
  MemoryCache memoryCache_;
  Batches batches_;
  std::unique_ptr<Generator> generator_;
  std::unique_ptr<Generator> average_;
  Discriminator discriminator_;
  FusedAdam generatorAdam_;
  FusedAdam discriminatorAdam_;
  int64_t step_ = 0;
};

}  // namespace cumulens
