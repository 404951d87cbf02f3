#include "layer/decompress.h"

#include <unistd.h>

#include <cstring>

#include "layer/decompressors.h"

namespace tsbuild {

Compression SniffCompression(const char* bytes, size_t size) {
  auto starts = [&](const char* magic, size_t length) { return size >= length && memcmp(bytes, magic, length) == 0; };
  if (starts("\x1f\x8b\x08", 3)) return Compression::kGzip;
  if (starts("\x28\xb5\x2f\xfd", 4)) return Compression::kZstd;
  // A skippable frame, with which some zstd files begin.
  if (size >= 4 && (static_cast<uint8_t>(bytes[0]) & 0xf0) == 0x50 && memcmp(bytes + 1, "\x2a\x4d\x18", 3) == 0) {
    return Compression::kZstd;
  }
  if (starts("BZh", 3)) return Compression::kBzip2;
  if (starts("\xfd" "7zXZ\0", 6)) return Compression::kXz;
  return Compression::kNone;
}

Result<size_t> FileSource::Read(char* buffer, size_t size) {
  auto n = Peek(buffer, size);
  if (n.ok()) position_ += *n;
  return n;
}

Result<size_t> FileSource::Peek(char* buffer, size_t size) {
  for (;;) {
    ssize_t n = pread(fd_, buffer, size, static_cast<off_t>(position_));
    if (n >= 0) return static_cast<size_t>(n);
    if (errno != EINTR) return Error::FromErrno("read");
  }
}

Result<std::unique_ptr<ByteSource>> OpenDecompressor(int fd, Compression compression) {
  switch (compression) {
    case Compression::kNone:
      return std::unique_ptr<ByteSource>(std::make_unique<FileSource>(fd));
    case Compression::kGzip:
      return NewGzipSource(fd);
    case Compression::kZstd:
      return NewZstdSource(fd);
    case Compression::kBzip2:
      return NewBzip2Source(fd);
    case Compression::kXz:
      return NewXzSource(fd);
  }
  return Error::WithErrno(EINVAL, "decompress");
}

Result<std::unique_ptr<ByteSource>> OpenSniffed(int fd) {
  char bytes[16];
  auto size = FileSource(fd).Peek(bytes, sizeof(bytes));
  if (!size.ok()) return std::move(size.error());
  return OpenDecompressor(fd, SniffCompression(bytes, *size));
}

}  // namespace tsbuild
