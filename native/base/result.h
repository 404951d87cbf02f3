#pragma once

#include <utility>
#include <variant>

#include "base/error.h"

namespace tsbuild {

// A value, or the error that stands in its place.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}          // NOLINT: implicit on purpose
  Result(Error error) : state_(std::move(error)) {}      // NOLINT: implicit on purpose

  bool ok() const { return std::holds_alternative<T>(state_); }
  explicit operator bool() const { return ok(); }
  T& value() { return std::get<T>(state_); }
  const T& value() const { return std::get<T>(state_); }
  T& operator*() { return value(); }
  T* operator->() { return &value(); }
  Error& error() { return std::get<Error>(state_); }
  const Error& error() const { return std::get<Error>(state_); }

 private:
  std::variant<T, Error> state_;
};

struct Unit {};
using Status = Result<Unit>;

}  // namespace tsbuild

// Returns the error of `expression` from the enclosing function; otherwise goes on.
#define TSB_TRY(expression)                                  \
  do {                                                       \
    auto tsb_status = (expression);                          \
    if (!tsb_status.ok()) return std::move(tsb_status.error()); \
  } while (false)
