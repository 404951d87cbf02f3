#pragma once

#include <cerrno>
#include <string>
#include <utility>

namespace tsbuild {

// A failed call: which one, on what, and why. `code` is set instead of `error_number` where the failure is ours
// (a bad archive, a digest that differs) and not the kernel's. `message` beside `error_number` is the kernel's own remark.
struct Error {
  int error_number = 0;
  std::string syscall;
  std::string path;
  std::string code;
  std::string message;

  // Takes errno as it is now.
  static Error FromErrno(std::string syscall, std::string path = {}) {
    Error e;
    e.error_number = errno;
    e.syscall = std::move(syscall);
    e.path = std::move(path);
    return e;
  }
  static Error WithErrno(int error_number, std::string syscall, std::string path = {}) {
    Error e;
    e.error_number = error_number;
    e.syscall = std::move(syscall);
    e.path = std::move(path);
    return e;
  }
  // A failure of our own, with one of the stable codes that src/native/errors.ts lists.
  static Error Own(std::string code, std::string message, std::string path = {}) {
    Error e;
    e.code = std::move(code);
    e.message = std::move(message);
    e.path = std::move(path);
    return e;
  }
};

// The symbolic name of an errno: "EPERM".
const char* ErrnoName(int error_number);

// "EPERM: operation not permitted, mount '/x'", or the message of our own.
std::string Describe(const Error& error);

}  // namespace tsbuild
