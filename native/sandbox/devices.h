#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandbox/rootfs.h"

namespace tsbuild {

// Mounts /dev: the devices every program may use, terminals, shared memory and message queues of the container's own.
// Before the root is pivoted into, since devices may have to come from the host. Gives /dev/null, which stays reachable by
// this descriptor whatever the build step mounts on top.
Result<UniqueFd> MountDev(const UniqueFd& root, DeviceAccess access);

}  // namespace tsbuild
