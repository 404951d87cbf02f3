#include "layer/gzip_blocks.h"

#include <libdeflate.h>

#include <algorithm>
#include <cstring>

namespace tsbuild {

namespace {

constexpr size_t kTrailer = 8;
// ID, deflate, FEXTRA; no time; no flags; unknown system; 8 bytes of extra fields: "TB", 4 bytes, the length.
constexpr uint8_t kHeaderStart[16] = {0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 8, 0, 'T', 'B', 4, 0};

void PutLittleEndian(char* out, uint32_t value) {
  for (int i = 0; i < 4; i++) out[i] = static_cast<char>(value >> (8 * i));
}

uint32_t TakeLittleEndian(const char* in) {
  uint32_t value = 0;
  for (int i = 0; i < 4; i++) value |= static_cast<uint32_t>(static_cast<uint8_t>(in[i])) << (8 * i);
  return value;
}

}  // namespace

Error GzipCorrupt(const char* why) { return Error::Own("GZIP_CORRUPT", std::string("the gzip data is damaged: ") + why); }

GzipBlockCompressor::GzipBlockCompressor(int level) : compressor_(libdeflate_alloc_compressor(level)) {}
GzipBlockCompressor::~GzipBlockCompressor() { libdeflate_free_compressor(compressor_); }

void GzipBlockCompressor::Compress(const char* data, size_t size, std::vector<char>* out) {
  out->resize(kGzipBlockHeader + libdeflate_deflate_compress_bound(compressor_, size) + kTrailer);
  char* body = out->data() + kGzipBlockHeader;
  size_t length =
      libdeflate_deflate_compress(compressor_, data, size, body, out->size() - kGzipBlockHeader - kTrailer);
  uint32_t total = static_cast<uint32_t>(kGzipBlockHeader + length + kTrailer);
  memcpy(out->data(), kHeaderStart, sizeof(kHeaderStart));
  PutLittleEndian(out->data() + sizeof(kHeaderStart), total);
  PutLittleEndian(body + length, libdeflate_crc32(0, data, size));
  PutLittleEndian(body + length + 4, static_cast<uint32_t>(size));
  out->resize(total);
}

std::optional<uint32_t> GzipBlockLength(const char* header, size_t size) {
  if (size < kGzipBlockHeader || memcmp(header, kHeaderStart, sizeof(kHeaderStart)) != 0) return std::nullopt;
  uint32_t length = TakeLittleEndian(header + sizeof(kHeaderStart));
  // What incompressible blocks grow by is little; anything else is not ours, whatever it says.
  if (length < kGzipBlockHeader + kTrailer || length > 2 * kGzipBlock) return std::nullopt;
  return length;
}

GzipBlockDecompressor::GzipBlockDecompressor() : decompressor_(libdeflate_alloc_decompressor()) {}
GzipBlockDecompressor::~GzipBlockDecompressor() { libdeflate_free_decompressor(decompressor_); }

Result<std::optional<std::vector<char>>> GzipBlockDecompressor::Decompress(const char* data, size_t size, size_t limit,
                                                                           size_t* consumed) {
  // The trailer says how long the content is; it is believed only as far as the limit.
  size_t claimed = size < kTrailer ? 0 : TakeLittleEndian(data + size - 4);
  std::vector<char> out(std::min(std::max<size_t>(claimed, 1), limit));
  size_t produced = 0;
  libdeflate_result result = libdeflate_gzip_decompress_ex(decompressor_, data, size, out.data(), out.size(), consumed, &produced);
  if (result == LIBDEFLATE_INSUFFICIENT_SPACE) return std::optional<std::vector<char>>();
  if (result != LIBDEFLATE_SUCCESS) return GzipCorrupt("a block does not unpack, or its checksum is wrong");
  out.resize(produced);
  return std::optional<std::vector<char>>(std::move(out));
}

}  // namespace tsbuild
