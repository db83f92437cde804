#pragma once
#include <ATen/core/Generator.h>
#include <c10/core/Device.h>

#include <cstdint>

namespace cumulens {

/// What a random number is for. Each use has a stream of its own: add one at the end, and no other is shifted.
enum class RandomStream : std::uint64_t {
  init,
  shuffle,
  augment,
  dropout,
  compose,
  noise,
  crop,
  bootstrap,
  randomise,
  masks,
  perturbation,
  ties,
  replacement,
  squares,
  imputation,
  sensitivity,
};

/// A number that depends on nothing but its arguments, unlike that of any others: what a stream is drawn from.
std::uint64_t streamKey(std::uint64_t seed, RandomStream stream, std::uint64_t step = 0) noexcept;

/// A fresh generator that depends on nothing but its arguments: a run resumed at step k draws what it would have drawn.
at::Generator makeGenerator(c10::Device device, std::uint64_t seed, RandomStream stream, std::uint64_t step = 0);

}  // namespace cumulens
