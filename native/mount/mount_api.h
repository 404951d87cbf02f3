#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace tsbuild {

// Attaches a detached mount (of fsmount or open_tree) at `target`.
Status Attach(const UniqueFd& mount, const std::string& target);

// The same onto whatever an O_PATH fd refers to.
Status AttachAt(const UniqueFd& mount, int target_fd, const std::string& name);

// A detached copy of what is at `path` below `directory_fd` (AT_FDCWD: anywhere; an empty path: the fd itself), with
// everything mounted below it.
Result<UniqueFd> CloneTree(int directory_fd, const std::string& path);

// Sets MOUNT_ATTR_* flags on a mount that is held by fd, and on all below it when `recursive`.
Status SetMountFlags(const UniqueFd& mount, unsigned long long flags, bool recursive);

// A detached new file system: `options` are "key=value" or "key".
Result<UniqueFd> NewMount(const char* type, const std::vector<std::string>& options, unsigned int flags);

// errno of a call on an fsopen fd, with the kernel's own words about it where it left some.
Error ContextError(const UniqueFd& context, std::string syscall, std::string path);

}  // namespace tsbuild
