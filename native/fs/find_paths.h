#pragma once

#include <string>

#include "base/result.h"
#include "mount/root_mount.h"

namespace tsbuild {

// src/native/types.ts, FindPathsRequest.
struct FindPathsRequest {
  RootMount root;
  std::string path;  // as in a selection of hashTree
  bool wildcard = false;
  bool follow_symlinks = false;
  std::string ignore;
};

// What a copy from this path would find, without a look at contents.
struct FindPathsResult {
  std::string paths;  // as matched, from the root, each ended by a zero byte
};

Result<FindPathsResult> FindPaths(const FindPathsRequest& request);

}  // namespace tsbuild
