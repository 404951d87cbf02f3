#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"

struct libdeflate_compressor;
struct libdeflate_decompressor;

namespace tsbuild {

// Our gzip: one member for each block of the tar, each with an extra field (RFC 1952, 2.3.1.1; "TB") that tells how long
// the member is. Any reader of gzip reads it; ours unpacks the members on all cores, since it sees where each one ends.

constexpr size_t kGzipBlock = 1024 * 1024;
// The members' own header: fixed, so that the same tar gives the same bytes.
constexpr size_t kGzipBlockHeader = 20;

class GzipBlockCompressor {
 public:
  explicit GzipBlockCompressor(int level);
  ~GzipBlockCompressor();
  GzipBlockCompressor(const GzipBlockCompressor&) = delete;
  GzipBlockCompressor& operator=(const GzipBlockCompressor&) = delete;

  void Compress(const char* data, size_t size, std::vector<char>* out);

 private:
  libdeflate_compressor* compressor_;
};

// The length of the member that begins here, when it is one of ours; `size` of at least kGzipBlockHeader.
std::optional<uint32_t> GzipBlockLength(const char* header, size_t size);

class GzipBlockDecompressor {
 public:
  GzipBlockDecompressor();
  ~GzipBlockDecompressor();
  GzipBlockDecompressor(const GzipBlockDecompressor&) = delete;
  GzipBlockDecompressor& operator=(const GzipBlockDecompressor&) = delete;

  // One whole member that gives at most `limit` bytes. Nothing: it gives more.
  Result<std::optional<std::vector<char>>> Decompress(const char* data, size_t size, size_t limit, size_t* consumed);

 private:
  libdeflate_decompressor* decompressor_;
};

Error GzipCorrupt(const char* why);

}  // namespace tsbuild
