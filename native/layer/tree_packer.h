#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "layer/diff_walk.h"
#include "layer/tar_writer.h"

namespace tsbuild {

// Writes changes as tar entries: contents, links, devices, attributes; `.wh.` files for what is gone. A file's other names
// become hardlinks to the first one in order. Sockets are left out, as every builder does: tar has no type for them.
class TreePacker {
 public:
  // A layer is packed as every builder does. A part of a tree that others may be changing keeps the nanoseconds of times, leaves out
  // files' set-id bits and capabilities, and is `FILE_CHANGED` where a file is not what the change says.
  enum class Kind { kLayer, kPart };

  // `roots` are the directories that changes are numbered by.
  TreePacker(std::vector<int> roots, TarWriter& tar, std::optional<int64_t> latest_mtime, Kind kind = Kind::kLayer)
      : roots_(std::move(roots)), tar_(tar), latest_mtime_(latest_mtime), kind_(kind) {}

  Status Pack(const std::vector<Change>& changes);
  Status PackEntry(const Change& change);
  // A file that is another name of one that was or will be packed.
  Status PackLink(const Change& change, const std::string& target);
  uint64_t entries() const { return entries_; }
  // Bytes of the files, each once whatever its number of names, and of the symlinks' targets: docker's size of a layer.
  uint64_t content_size() const { return content_size_; }

 private:
  TarEntry DescribeEntry(const Change& change) const;
  Status CheckUnchanged(int fd, const Change& change) const;
  Status PackContent(int fd, const Change& change, TarEntry entry);

  const std::vector<int> roots_;
  TarWriter& tar_;
  const std::optional<int64_t> latest_mtime_;
  const Kind kind_;
  std::map<std::pair<dev_t, ino_t>, std::string> links_;
  uint64_t entries_ = 0;
  uint64_t content_size_ = 0;
};

}  // namespace tsbuild
