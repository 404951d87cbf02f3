#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "fs/job_watch.h"
#include "fs/tree_memo.h"
#include "mount/root_mount.h"

namespace tsbuild {

struct TreeSelection {
  std::string path;
  bool wildcard = false;
  bool follow_symlinks = false;
  bool include_root = false;
  std::string include;
  std::string exclude;
  std::string required;
};

struct HashTreeRequest {
  RootMount root;
  std::vector<TreeSelection> selections;
  std::string ignore;
  bool include_owner = false;
  bool git_modes = false;  // as SourceTree::git_modes
  std::string stat_cache_path;
  SharedMemo memo;  // absent: nothing is kept. One memo serves one root with one stat cache and one `git_modes`.
  SharedWatch watch;  // counts what is read
  // Where a list of what was hashed is kept by its digest (tree_list.h); empty for none.
  std::string list_directory;
};

struct HashTreeResult {
  std::string digest;
  uint64_t files = 0;
  uint64_t bytes = 0;
  uint64_t bytes_read = 0;
  std::vector<uint32_t> missing;
};

// Digest of what a COPY of the selections would see: names, types, permission bits, link targets, device numbers, contents,
// file capabilities and user.* attributes. Not times, not hardlinks, not the order on disk, not where the tree is mounted.
// Of a matched file the name counts, since the copy takes it; of a matched directory only what is inside.
Result<HashTreeResult> HashTree(const HashTreeRequest& request);

// Several parts of one tree, one digest each. `tree.selections` does not count.
struct HashTreesRequest {
  HashTreeRequest tree;
  std::vector<std::vector<TreeSelection>> parts;
};

// As HashTree for each part, in order, on one thread; what fails has its own error and is no reason for the others to.
Result<std::vector<Result<HashTreeResult>>> HashTrees(const HashTreesRequest& request);

}  // namespace tsbuild
