#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "mount/root_mount.h"

namespace tsbuild {

// A tree opened as a directory, to be worked in by descriptor. A plain directory is just opened. Anything else is mounted in
// a private mount namespace of the calling thread and taken off its mount point at once: the tree lives as long as the
// descriptor, so neither a crash nor a kill leaves a mount or a mount point behind.
//
// Where a tree is written to, nothing is flushed when the mount goes: an ordinary overlay writes out its whole upper then,
// which takes longer than all the rest. Whoever relies on the files syncs the file system once.
Result<UniqueFd> OpenRoot(const RootMount& root);

// Makes the work directory of a tree that was written to fit for another mount. All its descriptors are closed.
void ReleaseWork(const RootMount& root);

}  // namespace tsbuild
