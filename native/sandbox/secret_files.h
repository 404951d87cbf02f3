#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandbox/rootfs.h"
#include "sandbox/spec.h"

namespace tsbuild {

// Files whose content never reaches a disk: they lie on a file system of their own that is not swapped out, made with the first of
// them inside the container's mount namespace, and gone with it.
class SecretFiles {
 public:
  explicit SecretFiles(Staging& staging) : staging_(staging) {}

  // A read-only mount of one file with the mount's content, mode and owner.
  Result<UniqueFd> Make(const SandboxSpec::Mount& mount);

 private:
  Status MountFileSystem();

  Staging& staging_;
  UniqueFd files_;
  int count_ = 0;
};

}  // namespace tsbuild
