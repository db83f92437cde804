#include "core/io/mapped_file.h"

#include <ATen/ATen.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "core/runtime/error.h"

namespace cumulens {
namespace {

class Descriptor {
 public:
  explicit Descriptor(const std::filesystem::path& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    check(fd_ >= 0, ErrorCode::io, path.string(), ": cannot open: ", std::strerror(errno));
  }
  ~Descriptor() { ::close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const noexcept { return fd_; }

 private:
  int fd_;
};

class Mapping {
 public:
  explicit Mapping(const std::filesystem::path& path) {
    const Descriptor file(path);
    struct stat status {};
    check(::fstat(file.get(), &status) == 0, ErrorCode::io, path.string(), ": cannot stat: ", std::strerror(errno));
    check(S_ISREG(status.st_mode), ErrorCode::io, path.string(), ": is not a regular file");
    size_ = static_cast<std::uint64_t>(status.st_size);
    check(size_ > 0, ErrorCode::format, path.string(), ": is empty");
    // Private and writable: a stray in-place operator changes this process's copy of a page, never the file.
    void* const address = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file.get(), 0);
    check(address != MAP_FAILED, ErrorCode::io, path.string(), ": cannot map: ", std::strerror(errno));
    data_ = static_cast<std::byte*>(address);
  }
  ~Mapping() { ::munmap(data_, size_); }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  std::byte* data() const noexcept { return data_; }
  std::uint64_t size() const noexcept { return size_; }

 private:
  std::byte* data_ = nullptr;
  std::uint64_t size_ = 0;
};

// Bytes a shape needs, or an error when the product does not fit 64 bits.
std::uint64_t byteCount(const std::filesystem::path& path, const TensorSpan& span) {
  std::uint64_t bytes = c10::elementSize(span.dtype);
  for (const std::int64_t size : span.shape) {
    check(size >= 0 && !__builtin_mul_overflow(bytes, static_cast<std::uint64_t>(size), &bytes), ErrorCode::format, path.string(),
          ": a tensor's shape ", at::IntArrayRef(span.shape), " is not possible");
  }
  return bytes;
}

at::Tensor viewOf(const std::shared_ptr<Mapping>& mapping, const std::filesystem::path& path, const TensorSpan& span) {
  check(span.begin <= span.end && span.end <= mapping->size(), ErrorCode::format, path.string(), ": a tensor claims bytes ", span.begin,
        " to ", span.end, " of a file of ", mapping->size(), " bytes (truncated?)");
  check(span.end - span.begin == byteCount(path, span), ErrorCode::format, path.string(), ": a tensor of shape ",
        at::IntArrayRef(span.shape), " has ", span.end - span.begin, " bytes, expected ", byteCount(path, span));
  const auto options = at::TensorOptions().dtype(span.dtype);
  if (span.begin == span.end) return at::empty(span.shape, options);
  std::byte* const data = mapping->data() + span.begin;
  if (span.begin % c10::elementSize(span.dtype) == 0) {
    return at::from_blob(
        data, span.shape, [mapping](void*) {}, options);
  }
  at::Tensor copy = at::empty(span.shape, options);
  std::memcpy(copy.data_ptr(), data, span.end - span.begin);
  return copy;
}

}  // namespace

std::vector<at::Tensor> mapTensors(const std::filesystem::path& path, const std::vector<TensorSpan>& spans) {
  const auto mapping = std::make_shared<Mapping>(path);
  std::vector<at::Tensor> tensors;
  tensors.reserve(spans.size());
  for (const TensorSpan& span : spans) tensors.push_back(viewOf(mapping, path, span));
  return tensors;
}

}  // namespace cumulens
