#pragma once

#include "base/unique_fd.h"

namespace tsbuild {

// Mounts what container runtimes show at /sys/fs/cgroup on a machine with cgroup v1: a small tmpfs with a directory for each
// hierarchy, `unified` among them where the machine has that of v2 beside the others. Each shows the group that is topmost
// in our cgroup namespace, so we must be in one of our own, and the groups below it. Changes the working directory.
// Programs do well without, so what the kernel does not permit is left out; all of it, if need be.
void MountCgroupV1(const UniqueFd& point, bool unified, bool writable);

}  // namespace tsbuild
