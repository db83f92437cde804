#include "core/runtime/counter_random.h"

#include <ATen/ATen.h>

#include <cmath>
#include <vector>

namespace cumulens {
namespace {

constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15ULL;
constexpr int kBits = 24;  // what a float32 holds exactly

std::int64_t wrapped(std::uint64_t x) { return static_cast<std::int64_t>(x); }

/// x >> bits of unsigned numbers, which ATen has as signed ones.
at::Tensor shiftedRight(const at::Tensor& x, int bits) {
  return at::bitwise_and(at::bitwise_right_shift(x, bits), wrapped(~std::uint64_t{0} >> static_cast<unsigned>(bits)));
}

/// Splitmix64's finaliser, as in random.cpp, modulo 2^64.
at::Tensor finalised(at::Tensor x) {
  x = at::bitwise_xor(x, shiftedRight(x, 30)) * wrapped(0xbf58476d1ce4e5b9ULL);
  x = at::bitwise_xor(x, shiftedRight(x, 27)) * wrapped(0x94d049bb133111ebULL);
  return at::bitwise_xor(x, shiftedRight(x, 31));
}

/// Whole numbers below 2^24, [rows, count]: splitmix64 from each row's key on.
at::Tensor counterBits(const Counters& counters, c10::Device device) {
  std::vector<std::int64_t> keys;
  keys.reserve(static_cast<std::size_t>(counters.rows));
  for (std::int64_t i = 0; i < counters.rows; ++i)
    keys.push_back(wrapped(streamKey(counters.seed, counters.stream, static_cast<std::uint64_t>(counters.first + i))));
  const at::Tensor start = at::tensor(keys, at::kLong).to(device).unsqueeze(1);
  const at::Tensor index = at::arange(counters.begin + 1, counters.begin + counters.count + 1, at::device(device).dtype(at::kLong));
  return shiftedRight(finalised(start + index * wrapped(kGolden)), 64 - kBits);
}

}  // namespace

at::Tensor counterUniform(const Counters& counters, const at::TensorOptions& options) {
  return counterBits(counters, options.device()).to(options) * std::ldexp(1.0, -kBits);
}

at::Tensor counterNormal(const Counters& counters, const at::TensorOptions& options) {
  // 2·(k + ½)/2^24 − 1 is symmetric about 0, never ±1, and exact in float32.
  const at::Tensor centred = counterBits(counters, options.device()) * 2 + wrapped(1 - (std::uint64_t{1} << kBits));
  return at::erfinv(centred.to(options) * std::ldexp(1.0, -kBits)) * std::sqrt(2.0);
}

}  // namespace cumulens
