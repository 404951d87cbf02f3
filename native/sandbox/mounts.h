#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandbox/rootfs.h"
#include "sandbox/spec.h"
#include "sandbox/stubs.h"

namespace tsbuild {

// The kernel's own trees are no place for others: whoever mounts in /proc can fake what its processes read there.
bool IsInKernelTree(const std::string& target);

// Mounts the generated files (/etc/resolv.conf and the like), read-only.
Status MountFiles(const SandboxSpec& spec, const UniqueFd& root, Staging& staging, Stubs& stubs);

// Mounts what the build step asked for, in the order of the spec.
Status MountExtras(const SandboxSpec& spec, const UniqueFd& root, Staging& staging, DeviceAccess access, Stubs& stubs);

}  // namespace tsbuild
