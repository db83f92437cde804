#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <memory>

#include "core/gan/layers.h"
#include "core/gan/parameters.h"
#include "core/runtime/cancel.h"

namespace cumulens {

enum class Variant { gsft, lsft };

/// Sizes of a generator; the defaults are the paper's.
struct GeneratorConfig {
  Variant variant = Variant::lsft;
  int64_t conditions = 8;          // P, condition maps of a sample
  int64_t blocks = 15;             // residual blocks; LSFT always has 2P − 1
  int64_t width = 64;              // channels of the trunk
  int64_t conditionWidth = 128;    // hidden channels of CondNet
  int64_t conditionFeatures = 32;  // channels CondNet gives to the SFT layers
  int64_t outputChannels = 1;      // 1, or 3 (the map is then the channels' mean)
};

/// Draws the explanation of an image from the image and its condition maps.
class Generator {
 public:
  virtual ~Generator() = default;
  Generator(const Generator&) = delete;
  Generator& operator=(const Generator&) = delete;

  /// A generator with seeded random weights (Glorot uniform, residual-aware), float or double.
  static std::unique_ptr<Generator> create(const GeneratorConfig& config, uint64_t seed, const at::TensorOptions& options);

  /// image [N,3,H,W] in [0,1], conditions [N,P,H,W] in [0,1] → raw output [N,outputChannels,H,W]. Throws `shape`; `aborted` from
  /// between two blocks, forward or backward.
  at::Tensor forward(const at::Tensor& image, const at::Tensor& conditions, const CancelToken& cancel) const;

  /// The raw outputs for the conditions as they are, and then for each slice k replaced by slice k of `replacements` [N,P,H,W] and the
  /// others as they are: [(P + 1)·N,outputChannels,H,W], N samples each.
  at::Tensor forwardReplaced(const at::Tensor& image, const at::Tensor& conditions, const at::Tensor& replacements,
                             const CancelToken& cancel) const;

  /// Bytes or floats as its weights are: their device and dtype, in [0,1].
  at::Tensor toInput(const at::Tensor& values) const;
  /// Throws `shape` unless these are [N,3,H,W] and [N,P,H,W].
  void checkInputs(const at::Tensor& image, const at::Tensor& conditions) const;

  /// The map users see: channels' mean clamped to [0,1], [N,1,H,W], or with `raw` the output unclamped. Takes bytes too. Runs `batch`
  /// samples at a time, so memory does not grow with N beyond the result. No gradient is kept.
  at::Tensor explain(const at::Tensor& image, const at::Tensor& conditions, bool raw, int64_t batch, const CancelToken& cancel) const;

  const GeneratorConfig& config() const { return config_; }
  const Parameters& parameters() const { return parameters_; }
  void load(const StateDict& state) { parameters_.load(state, "generator"); }

 protected:
  Generator(const GeneratorConfig& config, const at::Generator& random, const at::TensorOptions& options)
      : config_(config), builder_{parameters_, random, options} {}
  virtual at::Tensor run(const at::Tensor& image, const at::Tensor& conditions, const CancelToken& cancel) const = 0;
  /// forwardReplaced's work: here, every variant is run whole.
  virtual at::Tensor runReplaced(const at::Tensor& image, const at::Tensor& conditions, const at::Tensor& replacements,
                                 const CancelToken& cancel) const;

  GeneratorConfig config_;
  Parameters parameters_;
  Builder builder_;
};

}  // namespace cumulens
