#pragma once

#include <filesystem>

namespace cumulens {

/// A file that one FileLock holds at a time, of all processes and machines that share it. The system lets go of it when its process ends,
/// however that ends: none is left behind as held.
class FileLock {
 public:
  /// Makes the file where there is none, and holds it unless another does. @throws Error{io} when it cannot be made or locked
  explicit FileLock(std::filesystem::path path);
  ~FileLock() { release(); }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

  bool held() const noexcept { return fd_ >= 0; }

  /// Removes the file and lets go of it.
  void release() noexcept;

 private:
  /// Whether the file is still the one of that name: who held it before removed it.
  bool isInPlace() const noexcept;

  std::filesystem::path path_;
  int fd_ = -1;
};

}  // namespace cumulens
