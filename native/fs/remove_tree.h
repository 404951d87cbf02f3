#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace tsbuild {

struct RemoveTreeRequest {
  std::string path;
};

// Removes a file or a tree, however deep. Nothing there is fine; links are not followed; a mount point inside is EXDEV and
// stays.
Result<Unit> RemoveTree(const RemoveTreeRequest& request);

// The same for an entry of an open directory.
Status RemoveAt(int directory, const std::string& name, const std::string& path_for_errors);

struct MeasureTreeRequest {
  std::string path;
};

struct MeasureTreeResult {
  uint64_t bytes = 0;  // on disk, each hardlink once
  uint64_t files = 0;
};

Result<MeasureTreeResult> MeasureTree(const MeasureTreeRequest& request);

struct SyncFileSystemRequest {
  std::string path;
};

// syncfs(2) of the file system that holds the path.
Result<Unit> SyncFileSystem(const SyncFileSystemRequest& request);

}  // namespace tsbuild
