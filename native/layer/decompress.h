#pragma once

#include <memory>

#include "base/result.h"
#include "base/unique_fd.h"
#include "layer/byte_stream.h"

namespace tsbuild {

enum class Compression { kNone, kGzip, kZstd, kBzip2, kXz };

// What the first bytes say.
Compression SniffCompression(const char* bytes, size_t size);

// Reads a file from its start by offset: the descriptor's own position is neither used nor moved.
class FileSource : public ByteSource {
 public:
  explicit FileSource(int fd) : fd_(fd) {}
  Result<size_t> Read(char* buffer, size_t size) override;
  // Bytes at the present position, without moving on.
  Result<size_t> Peek(char* buffer, size_t size);
  uint64_t position() const { return position_; }
  void Seek(uint64_t position) { position_ = position; }
  int fd() const { return fd_; }

 private:
  int fd_;
  uint64_t position_ = 0;
};

// The uncompressed bytes of a file. Damage is `GZIP_CORRUPT`, `ZSTD_CORRUPT`, `BZIP2_CORRUPT`, `XZ_CORRUPT`.
Result<std::unique_ptr<ByteSource>> OpenDecompressor(int fd, Compression compression);
// The same for what the first bytes say.
Result<std::unique_ptr<ByteSource>> OpenSniffed(int fd);

}  // namespace tsbuild
