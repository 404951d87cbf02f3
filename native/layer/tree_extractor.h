#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "fs/copy_file.h"
#include "fs/directory.h"
#include "fs/resolve.h"
#include "fs/task_pool.h"
#include "layer/tar_reader.h"

namespace tsbuild {

// What an archive is unpacked into, and with it what its whiteouts mean.
enum class ExtractInto {
  kPlain,    // a tree that may hold anything; `.wh.` files are files (ADD)
  kOverlay,  // an empty directory that will be one lower of an overlay: whiteouts become overlayfs' own
  kBottom,   // an empty directory that stands on nothing: there is nothing to white out
  kMerged,   // a mounted overlay of all below and an empty upper: whiteouts remove
};

// Unpacks a hostile archive. No entry lands outside of the root: names are cleaned, parents are opened without following
// symlinks or, where a symlink is on the way, followed by hand inside the root. `TAR_PATH_ESCAPES`, `TAR_BAD_ENTRY`.
class TreeExtractor {
 public:
  TreeExtractor(int root, ExtractInto into, std::optional<Ownership> owner);

  Status Extract(TarReader& tar);

  uint64_t entries() const { return entries_; }
  uint64_t bytes() const { return bytes_; }
  // The archive says what its root directory is like.
  bool has_root() const { return directory_times_.contains(""); }
  // The layer leans on what is below it (kOverlay only): what was unpacked is of no use.
  bool needs_lowers() const { return needs_lowers_ || !implied_.empty(); }

 private:
  struct Directory {
    UniqueFd fd;
    bool sets_group = false;
  };
  using SharedDirectory = std::shared_ptr<Directory>;

  struct Place {
    SharedDirectory parent;
    std::string parent_path;
    std::string name;
    std::string path;
  };

  Status ExtractEntry(TarReader& tar, TarEntry& entry);
  Result<std::string> CleanName(const std::string& name, const char* what) const;
  Result<SharedDirectory> OpenParent(std::string* path);
  Result<std::string> ResolveParent(const std::string& path);
  Result<SharedDirectory> OpenAndCache(const std::string& path);
  Status MakeImpliedDirectory(int parent, const std::string& name, const std::string& path);
  Status ExtractWhiteout(const Place& place);
  Status MakeOpaque(const std::string& path);
  Status RemoveOld(int directory, const std::string& path);
  Status MakeWay(const Place& place, const TarEntry& entry, bool* merges, bool* was_whiteout);
  Status ExtractDirectory(const Place& place, const TarEntry& entry, bool merges, bool was_whiteout);
  Status ExtractFile(TarReader& tar, const Place& place, TarEntry& entry);
  Status ExtractHardlink(const Place& place, const TarEntry& entry);
  Status ExtractOther(const Place& place, const TarEntry& entry);
  Status ApplyRoot(const TarEntry& entry);
  Status FinishDirectories();
  Result<FileAttributes> AttributesOf(const TarEntry& entry) const;
  Error Escapes(const std::string& path, const std::string& why) const;

  const int root_;
  const ExtractInto into_;
  const std::optional<Ownership> owner_;
  std::atomic<uint64_t> entries_ = 0;
  std::atomic<uint64_t> bytes_ = 0;
  bool needs_lowers_ = false;
  std::unordered_set<std::string> made_;       // what this archive made
  std::unordered_set<std::string> implied_;    // directories that it only implied
  std::unordered_set<std::string> whiteouts_;  // kOverlay
  std::unordered_map<std::string, SharedDirectory> open_;
  std::unordered_map<std::string, timespec> directory_times_;
  std::vector<std::string> directories_;
  TaskPool pool_;
};

// Removes a file or a whole tree below an open directory.
Status RemoveBelow(int directory, const std::string& name);

}  // namespace tsbuild
