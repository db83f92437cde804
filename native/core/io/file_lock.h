#pragma once

#include <filesystem>

namespace cumulens {

/// A file that one FileLock holds at a time, of all processes that see it through a file system with locks (flock): those of one machine,
/// and of several where the file system's locks are common to them. The system lets go of it when its process ends, however that ends.
class FileLock {
 public:
  enum class State { held, taken, unsupported };

  /// Makes the file where there is none, and holds it unless another does. @throws Error{io} when it cannot be made
  explicit FileLock(std::filesystem::path path);
  ~FileLock() { release(); }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

  State state() const noexcept { return state_; }

  /// Removes the file and lets go of it.
  void release() noexcept;

 private:
  void open();
  void close() noexcept;
  /// Whether the file is still the one of that name: who held it before removed it.
  bool isInPlace() const noexcept;

  std::filesystem::path path_;
  int fd_ = -1;
  State state_ = State::taken;
};

}  // namespace cumulens
