#pragma once

#include <string>

#include "layer/byte_stream.h"
#include "layer/tar_entry.h"

namespace tsbuild {

// Writes ustar headers, with a PAX header before an entry only where it needs one, as Go's archive/tar does in its PAX
// format. No user names: the bytes follow from the tree alone.
class TarWriter {
 public:
  explicit TarWriter(ByteSink& sink) : sink_(sink) {}

  // Directories get their trailing slash here. `entry.size` bytes of content have to follow.
  Status WriteHeader(const TarEntry& entry);
  Status WriteContent(const char* data, size_t size);
  // Pads the content; call after the last byte of each entry that has one.
  Status EndContent();
  // The end marker.
  Status Finish();

  uint64_t written() const { return written_; }

 private:
  Status Write(const char* data, size_t size);
  Status WriteRecords(const std::string& name, const std::string& records);

  ByteSink& sink_;
  uint64_t written_ = 0;
};

}  // namespace tsbuild
