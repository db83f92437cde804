#include "core/runtime/random.h"

#include <ATen/Context.h>

namespace cumulens {
namespace {

// The finaliser of splitmix64 (Steele, Lea, Flood 2014): neighbouring inputs give unrelated outputs.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

}  // namespace

std::uint64_t streamKey(std::uint64_t seed, RandomStream stream, std::uint64_t step) noexcept {
  return mix(mix(mix(seed) ^ static_cast<std::uint64_t>(stream)) ^ step);
}

at::Generator makeGenerator(c10::Device device, std::uint64_t seed, RandomStream stream, std::uint64_t step) {
  at::Generator generator = at::globalContext().defaultGenerator(device).clone();
  generator.set_current_seed(streamKey(seed, stream, step));
  return generator;
}

}  // namespace cumulens
