#pragma once
#include <c10/core/Device.h>

namespace cumulens {

/// While it lives, and if `on`, this thread's convolutions and matrix products run in bfloat16; parameters stay float and their casts are
/// kept until the end of the scope.
class Autocast {
 public:
  Autocast(c10::Device device, bool on);
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  c10::DeviceType type_;
  bool on_;
};

}  // namespace cumulens
