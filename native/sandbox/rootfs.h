#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandbox/spec.h"

namespace tsbuild {

// A private tmpfs where trees and generated files are put together before they go to their places. It is mounted over
// "/", where path look-ups do not see it (they start at the old root below), so it hides nothing and needs no directory
// on the host. It goes with the old root.
class Staging {
 public:
  static Result<Staging> Create();

  // A new directory or file in it, as a path that ends in a magic link, usable as a mount target.
  Result<std::string> MakeDirectory();
  Result<UniqueFd> MakeFile(const std::string& content);

  // A new device node or pipe, as a mount of its own.
  Result<UniqueFd> MakeNode(mode_t mode, dev_t device, uid_t uid, gid_t gid);

 private:
  explicit Staging(UniqueFd directory) : directory_(std::move(directory)) {}

  UniqueFd directory_;
  int count_ = 0;
};

// What opening a device node does on the mounts of a container: kAny leaves it to others to refuse (or to nobody, of an
// insecure step); kOursOnly is for where there is no DeviceGuard: all is `nodev` but the few devices of /dev.
enum class DeviceAccess { kAny, kOursOnly };

// Mounts the root and opens it (O_PATH). Everything else is then mounted relative to this descriptor.
Result<UniqueFd> MountRootfs(const SandboxSpec& spec, Staging& staging, DeviceAccess access);

// Makes `root` the root of this mount namespace and lets go of the old one, with everything the host has mounted.
Status PivotInto(const UniqueFd& root);

}  // namespace tsbuild
