#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace tsbuild {

// src/oci/root-mount.ts in C++: a stack of directories to be mounted as one tree.
struct RootMount {
  std::vector<std::string> lowers;  // topmost first
  std::string upper;                // empty: read-only
  std::string work;
};

// Mounts the tree at `target` (a literal path; "/proc/self/fd/N" is fine) in the caller's own mount namespace. One lower
// alone is a read-only bind mount, an upper alone a writable one; nothing at all is an empty read-only tmpfs; everything
// else is an overlay, of up to 999 lowers.
//
// `volatile_upper` drops every flush of the upper (ten times faster where a step calls fsync a lot). The kernel then
// refuses to mount the same work directory again: remove it afterwards, and sync the file system before relying on it.
Status MountRoot(const RootMount& root, const std::string& target, bool volatile_upper = false);

}  // namespace tsbuild
