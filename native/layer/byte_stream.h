#pragma once

#include <cstddef>

#include "base/result.h"

namespace tsbuild {

// Bytes that are pulled.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // At most `size` bytes; 0 is the end.
  virtual Result<size_t> Read(char* buffer, size_t size) = 0;
};

// Bytes that are pushed.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual Status Write(const char* data, size_t size) = 0;
};

}  // namespace tsbuild
