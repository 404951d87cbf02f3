#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

namespace tsbuild {

// Opens the mount points of /proc and /sys, which must be plain directories: with a link there an image could choose where
// the kernel's files appear.
struct KernelMountPoints {
  UniqueFd proc;
  UniqueFd sys;
  UniqueFd cgroup;  // of MountSys, where the machine has control groups and /sys is our own
};
Result<KernelMountPoints> OpenKernelMountPoints(const UniqueFd& root);

// Mounts /sys.
Status MountSys(KernelMountPoints& points, bool writable);

// Takes a cgroup namespace, in which the group that process 1 is in by now is the topmost, and mounts its /sys/fs/cgroup.
// With cgroup v1 the working directory is another one afterwards.
Status MountCgroup(const KernelMountPoints& points, bool writable);

// Mounts /proc. Only inside the new pid namespace, since a proc file system shows the pid namespace of whoever makes it; and
// before pivoting: a user namespace may mount one only while it sees another that hides nothing.
Status MountProc(const KernelMountPoints& points);

// Hides what docker hides in /proc and /sys, and makes read-only what docker makes so. After both are mounted, and with
// the root pivoted into. `null` is the container's /dev/null.
Status MaskKernelPaths(const UniqueFd& null);

}  // namespace tsbuild
