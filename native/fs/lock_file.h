#pragma once

#include <memory>
#include <string>
#include <utility>

#include "base/result.h"
#include "base/unique_fd.h"

namespace tsbuild {

struct LockFileRequest {
  std::string path;
  bool exclusive = false;
  bool wait = false;
};

// A lock that is held, until it is released or goes.
class HeldLock {
 public:
  explicit HeldLock(UniqueFd fd) : fd_(std::move(fd)) {}
  HeldLock(const HeldLock&) = delete;
  HeldLock& operator=(const HeldLock&) = delete;
  ~HeldLock() { Release(); }

  void Release();

 private:
  UniqueFd fd_;
};

struct LockFileResult {
  std::shared_ptr<HeldLock> lock;  // null: somebody holds it
};

// flock(2) on a file that is made when absent. When the file is taken away or replaced while we wait, the new one is
// locked: two holders of one path never have two files.
Result<LockFileResult> LockFile(const LockFileRequest& request);

}  // namespace tsbuild
