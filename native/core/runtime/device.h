#pragma once
#include <c10/core/Device.h>

#include <string>

namespace cumulens {

/// "auto" (a CUDA device if this build and machine have one, else the CPU), "cpu", "cuda" or "cuda:N".
/// @throws Error{cudaUnavailable} when CUDA is asked for and cannot be had; Error{option} for any other text.
c10::Device resolveDevice(const std::string& name);

/// Number of CUDA devices libtorch can use; 0 in a CPU build.
int cudaDeviceCount() noexcept;

}  // namespace cumulens
