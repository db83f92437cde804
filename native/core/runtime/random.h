#pragma once
#include <ATen/core/Generator.h>
#include <c10/core/Device.h>

#include <cstdint>

namespace cumulens {

/// What a random number is for. Each use has a stream of its own, so adding one never shifts another.
enum class RandomStream : std::uint64_t { init, shuffle, augment, dropout, compose, noise, crop, bootstrap };

/// A fresh generator that depends on nothing but its arguments: a run resumed at step k draws what it would have drawn.
at::Generator makeGenerator(c10::Device device, std::uint64_t seed, RandomStream stream, std::uint64_t step = 0);

}  // namespace cumulens
