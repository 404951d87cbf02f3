#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace tsbuild {

// Where a path leads inside a root when its symlinks are followed, absolute ones and ".." meaning the root's own.
struct Resolved {
  // From the root, free of symlinks: safe for OpenBeneath. Empty is the root itself.
  std::string path;
  bool exists = false;
  struct stat status {};  // when it exists
};

// Follows a path as chroot(2) would, past what does not exist: what is left then is taken literally, as containerd's
// RootPath does, so that the caller can make it. ENOTDIR where a file stands in the way, ELOOP after 255 links.
// `follow_last` false leaves a symlink that the path itself names.
Result<Resolved> ResolveInRoot(int root, std::string_view path, bool follow_last);

struct Ownership {
  uid_t uid = 0;
  gid_t gid = 0;
};

// Makes a resolved path a directory with all its parents; those that are made get `mode`, `owner` and, where one is given, a
// time: seconds since 1970. ENOTDIR where a file stands in the way.
Status MakeDirectories(int root, std::string_view resolved_path, mode_t mode, Ownership owner,
                       std::optional<int64_t> mtime = std::nullopt);

}  // namespace tsbuild
