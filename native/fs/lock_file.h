#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace tsbuild {

struct LockFileRequest {
  std::string path;
  bool exclusive = false;
  bool wait = false;
};

struct LockFileResult {
  std::shared_ptr<UniqueFd> lock;  // null: somebody holds it
};

// flock(2) on a file that is made when absent. When the file is taken away or replaced while we wait, the new one is
// locked: two holders of one path never have two files.
Result<LockFileResult> LockFile(const LockFileRequest& request);

}  // namespace tsbuild
