#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "mount/root_mount.h"

namespace tsbuild {

// A tree opened as a directory, to be worked in by descriptor. A plain directory is just opened. Anything else is mounted in
// a private mount namespace of the calling thread and taken off its mount point at once: the tree lives as long as the
// descriptor, so neither a crash nor a kill leaves a mount or a mount point behind.
Result<UniqueFd> OpenRoot(const RootMount& root);

}  // namespace tsbuild
