#include "core/io/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "core/runtime/error.h"

namespace cumulens {

namespace {

/// Times that the file may be removed between opening and locking it, by others that held it, before it counts as theirs.
constexpr int kAttempts = 100;

bool isUnsupported(int reason) { return reason == ENOSYS || reason == ENOLCK || reason == EOPNOTSUPP || reason == EINVAL; }

}  // namespace

FileLock::FileLock(std::filesystem::path path) : path_(std::move(path)) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    open();
    const int reason = ::flock(fd_, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
    if (reason == 0 && isInPlace()) {
      state_ = State::held;
      return;
    }
    if (isUnsupported(reason)) {
      state_ = State::unsupported;
      ::unlink(path_.c_str());
    }
    close();
    // Locked but removed meanwhile, or interrupted: once more.
    if (reason != 0 && reason != EINTR) return;
  }
}

void FileLock::open() {
  fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  // Left by another user, it may be read alone, and locked all the same.
  if (fd_ < 0 && errno == EACCES) fd_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  const int reason = errno;
  check(fd_ >= 0, ErrorCode::io, path_.string(), ": cannot create: ", std::strerror(reason));
}

void FileLock::close() noexcept {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void FileLock::release() noexcept {
  if (state_ == State::held && isInPlace()) ::unlink(path_.c_str());
  state_ = State::taken;
  close();
}

bool FileLock::isInPlace() const noexcept {
  struct stat own = {};
  struct stat named = {};
  return ::fstat(fd_, &own) == 0 && ::stat(path_.c_str(), &named) == 0 && own.st_dev == named.st_dev && own.st_ino == named.st_ino;
}

}  // namespace cumulens
