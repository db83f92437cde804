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

FileLock::FileLock(std::filesystem::path path) : path_(std::move(path)) {
  while (!held()) {
    fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    check(held(), ErrorCode::io, path_.string(), ": cannot create: ", std::strerror(errno));
    const bool locked = ::flock(fd_, LOCK_EX | LOCK_NB) == 0;
    if (locked && isInPlace()) return;
    const int reason = errno;
    ::close(std::exchange(fd_, -1));
    if (locked || reason == EINTR) continue;  // removed since it was opened, by who held it: there is another of that name, or none
    check(reason == EWOULDBLOCK, ErrorCode::io, path_.string(), ": cannot lock: ", std::strerror(reason));
    return;
  }
}

void FileLock::release() noexcept {
  if (!held()) return;
  if (isInPlace()) ::unlink(path_.c_str());
  ::close(std::exchange(fd_, -1));
}

bool FileLock::isInPlace() const noexcept {
  struct stat own = {};
  struct stat named = {};
  return ::fstat(fd_, &own) == 0 && ::stat(path_.c_str(), &named) == 0 && own.st_dev == named.st_dev && own.st_ino == named.st_ino;
}

}  // namespace cumulens
