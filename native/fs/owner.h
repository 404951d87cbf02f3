#pragma once

#include <string>

#include "base/result.h"
#include "fs/resolve.h"

namespace tsbuild {

// Reads `user[:group]`, ids or names; names are looked up in the tree's own /etc/passwd and /etc/group. A user without a
// group has the group of its passwd entry, an id without a group the same number. `USER_NOT_FOUND`, `GROUP_NOT_FOUND`.
Result<Ownership> ResolveOwner(int root, const std::string& owner);

}  // namespace tsbuild
