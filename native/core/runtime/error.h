#pragma once
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

namespace cumulens {

/// What went wrong, as JavaScript sees it: `CumulensError.code` is "ERR_" + the upper-case name.
enum class ErrorCode {
  aborted,
  cudaUnavailable,
  disposed,
  format,
  internal,
  io,
  option,
  outOfMemory,
  shape,
};

const char* codeName(ErrorCode code) noexcept;

/// An error whose message is one line for a person: what, where, and what was expected.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

template <class... Parts>
std::string text(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

/// Throws Error{code} with the parts joined when `condition` is false.
template <class... Parts>
void check(bool condition, ErrorCode code, const Parts&... parts) {
  if (!condition) throw Error(code, text(parts...));
}

/// Any exception in flight as (code, one line): libtorch's without its backtrace. Call it inside a catch block.
std::pair<ErrorCode, std::string> describeCurrentException() noexcept;

}  // namespace cumulens
