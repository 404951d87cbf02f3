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

// Mounts the tree at `target` in the caller's own mount namespace. One lower alone, or an upper alone, is a bind mount;
// nothing at all is an empty read-only tmpfs; everything else is an overlay.
Status MountRoot(const RootMount& root, const std::string& target);

}  // namespace tsbuild
