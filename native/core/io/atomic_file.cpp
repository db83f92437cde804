#include "core/io/atomic_file.h"

#include <ATen/ATen.h>
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "core/runtime/error.h"

namespace cumulens {
namespace {

/// A file that removes itself unless it was committed.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::filesystem::path target) : target_(std::move(target)) {
    static std::atomic<unsigned> counter{0};
    temporary_ = text(target_.string(), ".tmp-", ::getpid(), "-", counter++);
    fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    check(fd_ >= 0, ErrorCode::io, target_.string(), ": cannot create: ", std::strerror(errno));
  }
  ~TemporaryFile() {
    if (fd_ >= 0) ::close(fd_);
    if (!committed_) ::unlink(temporary_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  void write(const void* data, std::size_t size) {
    const char* next = static_cast<const char*>(data);
    while (size > 0) {
      const ssize_t written = ::write(fd_, next, size);
      if (written < 0 && errno == EINTR) continue;
      check(written > 0, ErrorCode::io, target_.string(), ": cannot write: ", std::strerror(errno));
      next += written;
      size -= static_cast<std::size_t>(written);
    }
  }

  void commit() {
    check(::fsync(fd_) == 0, ErrorCode::io, target_.string(), ": cannot sync: ", std::strerror(errno));
    const int closed = ::close(fd_);
    fd_ = -1;
    check(closed == 0 && ::rename(temporary_.c_str(), target_.c_str()) == 0, ErrorCode::io, target_.string(),
          ": cannot rename into place: ", std::strerror(errno));
    committed_ = true;
    syncFolder();
  }

 private:
  void syncFolder() const {
    const auto folder = target_.has_parent_path() ? target_.parent_path() : std::filesystem::path(".");
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;  // the data is safe; only the name's durability is the file system's to keep
    ::fsync(fd);
    ::close(fd);
  }

  std::filesystem::path target_;
  std::string temporary_;
  int fd_ = -1;
  bool committed_ = false;
};

}  // namespace

void writeTensors(const std::filesystem::path& path, const std::string& header, const std::vector<at::Tensor>& tensors) {
  TemporaryFile file(path);
  const std::uint64_t length = header.size();
  file.write(&length, sizeof length);
  file.write(header.data(), header.size());
  for (const at::Tensor& tensor : tensors) {
    const at::Tensor bytes = tensor.detach().to(at::kCPU).contiguous();
    if (bytes.nbytes() > 0) file.write(bytes.const_data_ptr(), bytes.nbytes());
  }
  file.commit();
}

}  // namespace cumulens
