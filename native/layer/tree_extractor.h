#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "fs/copy_file.h"
#include "fs/directory.h"
#include "fs/resolve.h"
#include "fs/task_pool.h"
#include "layer/extract_parents.h"
#include "layer/tar_reader.h"

namespace tsbuild {

// Unpacks a hostile archive. No entry lands outside of the root: names are cleaned, parents are opened without following
// symlinks or, where a symlink is on the way, followed by hand inside the root. `TAR_PATH_ESCAPES`, `TAR_BAD_ENTRY`.
class TreeExtractor {
 public:
  // What was made is remembered, so `max_entries` bounds memory too: more is `TAR_TOO_LARGE`. `kFilesOnly`: devices, fifos and sparse files are `TAR_BAD_ENTRY`, files lose set-id bits and capabilities.
  enum class Trust { kImage, kFilesOnly };

  TreeExtractor(int root, ExtractInto into, std::optional<Ownership> owner, Trust trust = Trust::kImage,
                uint64_t max_entries = UINT64_MAX);

  Status Extract(TarReader& tar);

  uint64_t entries() const { return entries_; }
  uint64_t bytes() const { return bytes_; }
  // Bytes of the files as they are in the tree, and of the symlinks' targets; a hardlink adds nothing: docker's size of a
  // layer.
  uint64_t content_size() const { return content_size_; }
  // The archive says what its root directory is like.
  bool has_root() const { return directory_times_.contains(""); }
  // The layer leans on what is below it (kOverlay only): what was unpacked is of no use.
  bool needs_lowers() const { return state_.needs_lowers || !state_.implied.empty(); }

 private:
  struct Place {
    ExtractParents::SharedDirectory parent;
    std::string parent_path;
    std::string name;
    std::string path;
  };

  Status ExtractEntry(TarReader& tar, TarEntry& entry);
  Result<std::string> CleanName(const std::string& name, const char* what) const;
  Status ExtractWhiteout(const Place& place);
  Status RemoveOld(int directory, const std::string& path);
  Status MakeWay(const Place& place, const TarEntry& entry, bool* merges, bool* was_whiteout);
  Status ExtractDirectory(const Place& place, const TarEntry& entry, bool merges, bool was_whiteout);
  Status ExtractFile(TarReader& tar, const Place& place, TarEntry& entry);
  Status ExtractHardlink(const Place& place, const TarEntry& entry);
  Status ExtractOther(const Place& place, const TarEntry& entry);
  Status ApplyRoot(const TarEntry& entry);
  Status FinishDirectories();
  Result<FileAttributes> AttributesOf(const TarEntry& entry) const;

  Status Distrust(TarEntry& entry) const;

  const std::optional<Ownership> owner_;
  const Trust trust_;
  const uint64_t max_entries_;
  std::atomic<uint64_t> entries_ = 0;
  std::atomic<uint64_t> bytes_ = 0;
  uint64_t content_size_ = 0;
  ExtractState state_;
  std::unordered_map<std::string, timespec> directory_times_;
  std::vector<std::string> directories_;
  TaskPool pool_;
  ExtractParents parents_;
};

}  // namespace tsbuild
