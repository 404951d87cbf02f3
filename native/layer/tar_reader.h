#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "layer/byte_stream.h"
#include "layer/tar_entry.h"

namespace tsbuild {

// Reads an archive that nobody vouches for: `TAR_BAD_HEADER`, `TAR_TRUNCATED`. Every length is bounded before it is
// believed. What comes after the end marker is not looked at.
class TarReader {
 public:
  explicit TarReader(ByteSource& source) : source_(source) {}

  // The next entry, past what is left of the one before; nothing at the end.
  Result<std::optional<TarEntry>> Next();
  // Content of the current entry; 0 at its end.
  Result<size_t> Read(char* buffer, size_t size);
  uint64_t remaining() const { return remaining_; }

 private:
  using Records = std::vector<std::pair<std::string, std::string>>;

  // False at a clean end of the source.
  Result<bool> ReadBlock(char* block);
  Status ReadExactly(char* buffer, size_t size);
  Status SkipContent();
  void ExpectContent(uint64_t size);
  Result<std::string> ReadText(uint64_t size);
  Status ParseRecords(std::string_view text, Records* records);
  Status ApplyRecords(const Records& records, TarEntry* entry);
  Status ReadOldSparse(const char* block, TarEntry* entry);
  Status ReadSparseMap(TarEntry* entry);
  Status CheckSparse(const TarEntry& entry) const;
  Error BadHeader(const std::string& why) const;

  ByteSource& source_;
  uint64_t remaining_ = 0;  // of the current content
  uint64_t padding_ = 0;    // after it
  uint64_t offset_ = 0;     // of what was read, for messages
  bool ended_ = false;
  std::string current_;
};

}  // namespace tsbuild
