#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandbox/identity.h"
#include "sandbox/rootfs.h"
#include "sandbox/spec.h"
#include "sandbox/stubs.h"

namespace tsbuild {

// Mounts the nodes of the devices that the build step was given, each by itself: no node gets into the image, and one can be
// opened although all around it is `nodev`. Who may open them is up to their mode and to the DeviceGuard.
Status MountDeviceNodes(const SandboxSpec& spec, const Identity& identity, const UniqueFd& root, Staging& staging,
                        Stubs& stubs);

}  // namespace tsbuild
