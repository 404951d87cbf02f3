#include "base/error.h"

#include <cstring>

namespace tsbuild {

const char* ErrnoName(int error_number) {
  const char* name = strerrorname_np(error_number);
  return name == nullptr ? "EUNKNOWN" : name;
}

std::string Describe(const Error& error) {
  if (!error.code.empty()) {
    return error.path.empty() ? error.message : error.message + ", '" + error.path + "'";
  }
  std::string text = std::string(ErrnoName(error.error_number)) + ": " + strerror(error.error_number) + ", " + error.syscall;
  if (!error.path.empty()) text += " '" + error.path + "'";
  if (!error.message.empty()) text += " (" + error.message + ")";
  return text;
}

}  // namespace tsbuild
