#include "core/runtime/device.h"

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>

#include <charconv>

#include "core/runtime/error.h"

namespace cumulens {
namespace {

int parseIndex(const std::string& name) {
  const char* const first = name.data() + 5;  // behind "cuda:"
  const char* const last = name.data() + name.size();
  int index = -1;
  const auto [end, failure] = std::from_chars(first, last, index);
  check(failure == std::errc() && end == last && first != last && index >= 0, ErrorCode::option, "device '", name,
        "' is not one of auto, cpu, cuda, cuda:N");
  return index;
}

c10::Device cudaDevice(const std::string& name, int index) {
  check(at::globalContext().hasCUDA() || cudaDeviceCount() > 0, ErrorCode::cudaUnavailable, "device '", name,
        "' was asked for, but no CUDA device can be used: this libtorch is a CPU build or the machine has no GPU "
        "(see: cumulens doctor)");
  check(index < cudaDeviceCount(), ErrorCode::cudaUnavailable, "device '", name, "' does not exist: this machine has ", cudaDeviceCount(),
        " CUDA device(s)");
  return {c10::DeviceType::CUDA, static_cast<c10::DeviceIndex>(index)};
}

}  // namespace

int cudaDeviceCount() noexcept {
  try {
    return static_cast<int>(at::detail::getCUDAHooks().deviceCount());
  } catch (...) {
    return 0;
  }
}

c10::Device resolveDevice(const std::string& name) {
  if (name == "cpu") return c10::Device(c10::kCPU);
  if (name == "auto") return cudaDeviceCount() > 0 ? cudaDevice("cuda:0", 0) : c10::Device(c10::kCPU);
  if (name == "cuda") return cudaDevice(name, 0);
  check(name.starts_with("cuda:"), ErrorCode::option, "device '", name, "' is not one of auto, cpu, cuda, cuda:N");
  return cudaDevice(name, parseIndex(name));
}

}  // namespace cumulens
