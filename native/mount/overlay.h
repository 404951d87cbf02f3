#pragma once

#include "base/result.h"
#include "base/unique_fd.h"
#include "mount/root_mount.h"

namespace tsbuild {

// What one overlay takes as lowers; the next one is EINVAL (OVL_MAX_STACK in the kernel).
inline constexpr size_t kMaxOverlayLowers = 500;

// Makes an overlay and attaches it at `target`. At most kMaxOverlayLowers lowers.
Status MountOverlay(const RootMount& root, const std::string& target, bool volatile_upper);

// The same through mount(2), for kernels before 6.7 that have no `lowerdir+`. The thread keeps an fs_struct of its own.
Status MountOverlayByPage(const RootMount& root, const std::string& target, bool volatile_upper);

}  // namespace tsbuild
