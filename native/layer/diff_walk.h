#pragma once

#include <sys/stat.h>

#include <string>
#include <vector>

#include "base/result.h"

namespace tsbuild {

// One line of what turns the base into the tree: an entry that is new or changed, or something that is gone.
struct Change {
  std::string path;  // from the root; empty is the root itself
  bool removed = false;
  struct stat status {};  // of what is there now
  size_t layer = 0;       // number of the upper directory that has it
};

// What an overlay's upper directories, topmost first, change in what they stand on, in the order of a sorted walk with parents
// before what is in them: what one of them adds and another above it removes is not there at all. `base` is the mounted tree below, -1 for nothing. Entries that were copied up but are as they were are left
// out, unless something below them changed: then the directory's own line says what it is like.
// `OVERLAY_NOT_SUPPORTED` for what redirect_dir leaves.
Result<std::vector<Change>> WalkChanges(const std::vector<int>& uppers, int base);

// Every entry of a plain tree, in the same order, without the root.
Result<std::vector<Change>> WalkTree(int root);

}  // namespace tsbuild
