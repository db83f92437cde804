#include "core/runtime/error.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <new>

namespace cumulens {
namespace {

/// The first line that says something: libtorch's compiler begins with an empty one.
std::string firstLine(const std::string& message) {
  const size_t begin = std::min(message.find_first_not_of(" \n"), message.size());
  return message.substr(begin, message.find('\n', begin) - begin);
}

// The CPU allocator reports a failed allocation as a plain c10::Error; only its words tell.
bool isAllocationFailure(const std::string& message) {
  return message.find("DefaultCPUAllocator") != std::string::npos || message.find("not enough memory") != std::string::npos;
}

}  // namespace

const char* codeName(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::aborted:
      return "ERR_ABORTED";
    case ErrorCode::cudaUnavailable:
      return "ERR_CUDA_UNAVAILABLE";
    case ErrorCode::disposed:
      return "ERR_DISPOSED";
    case ErrorCode::format:
      return "ERR_FORMAT";
    case ErrorCode::internal:
      return "ERR_INTERNAL";
    case ErrorCode::io:
      return "ERR_IO";
    case ErrorCode::option:
      return "ERR_OPTION";
    case ErrorCode::outOfMemory:
      return "ERR_OUT_OF_MEMORY";
    case ErrorCode::shape:
      return "ERR_SHAPE";
  }
  return "ERR_INTERNAL";
}

std::pair<ErrorCode, std::string> describeCurrentException() noexcept {
  try {
    throw;
  } catch (const Error& error) {
    return {error.code(), error.what()};
  } catch (const c10::OutOfMemoryError& error) {
    return {ErrorCode::outOfMemory, firstLine(error.what_without_backtrace())};
  } catch (const c10::Error& error) {
    const std::string message = error.what_without_backtrace();
    return {isAllocationFailure(message) ? ErrorCode::outOfMemory : ErrorCode::internal, firstLine(message)};
  } catch (const std::bad_alloc&) {
    return {ErrorCode::outOfMemory, "the process ran out of memory"};
  } catch (const std::exception& error) {
    return {ErrorCode::internal, firstLine(error.what())};
  } catch (...) {
    return {ErrorCode::internal, "an unknown native exception was thrown"};
  }
}

}  // namespace cumulens
