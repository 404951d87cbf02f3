#pragma once

// Paths inside the container's root. The tree is hostile: its links may point anywhere and other containers may change a
// shared part of it meanwhile, so every look-up is one openat2 that cannot leave the root, and what is found is kept as
// an O_PATH descriptor rather than as a path to be looked up again.

#include <sys/types.h>

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace tsbuild {

class Stubs;

// Opens `path` as seen by a process whose root is `root`. `flags` without O_CLOEXEC, which is always added.
Result<UniqueFd> OpenInRoot(int root, const std::string& path, int flags);

// Reads a regular file inside the root; an empty string when there is none (or it is not a regular file).
std::string ReadInRoot(int root, const std::string& path);

enum class NodeKind { kDirectory, kFile };

struct MakeOptions {
  NodeKind kind = NodeKind::kDirectory;
  mode_t mode = 0755;
  uid_t uid = 0;
  gid_t gid = 0;
  Stubs* stubs = nullptr;  // remembers what was made, to take it away again
};

// Opens `path` (O_PATH, links followed inside the root), making what is missing on the way: directories, and at the end
// a directory or an empty file. A link that leads nowhere is followed, and its goal made.
Result<UniqueFd> OpenOrMake(int root, const std::string& path, const MakeOptions& options);

}  // namespace tsbuild
