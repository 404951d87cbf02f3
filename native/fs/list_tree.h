#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "mount/root_mount.h"

namespace tsbuild {

// src/native/types.ts, ListTreeRequest.
struct ListTreeRequest {
  RootMount root;
  std::string path;    // where to begin
  std::string ignore;  // compiled patterns, relative to the root
  bool include_ignored = false;
  uint64_t max_entries = 0;  // 0: no bound
  uint64_t max_depth = 0;    // levels that are looked into; 0: all
};

// One column a field, entry by entry.
struct ListTreeResult {
  std::string paths;            // from the root, each ended by a zero byte
  std::string types;            // a letter each, as find(1) has them: f d l p s c b
  std::string ignored;          // '1' for what the patterns exclude
  std::vector<uint64_t> sizes;  // bytes of files and of symlinks' targets; 0 of others
  bool truncated = false;
};

// What is below a directory, nearest first. Symlinks are followed on the way to it, inside the root, and never below it; nothing
// there, or no directory, is an empty list.
Result<ListTreeResult> ListTree(const ListTreeRequest& request);

}  // namespace tsbuild
