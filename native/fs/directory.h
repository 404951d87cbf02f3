#pragma once

#include <sys/stat.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace tsbuild {

struct DirectoryEntry {
  std::string name;
  unsigned char type;  // DT_*, DT_UNKNOWN where the file system does not tell
};

// The most levels that a tree may have. Walks recurse, and a build step can nest directories without end, far beyond what a
// path can name (PATH_MAX allows 2048).
constexpr size_t kMaxTreeDepth = 2000;

// All entries but "." and "..", sorted bytewise, so that whatever is made of them does not depend on the disk's order.
// `fd` is open for reading. `path` names it in errors, and in its slashes says how deep it lies: `TREE_TOO_DEEP`.
Result<std::vector<DirectoryEntry>> ReadDirectory(int fd, const std::string& path);

// The error of a path that is too deep, of which no more than the start is shown.
Error TreeTooDeep(const std::string& path);

// Opens a path relative to `root` that has no symlinks: neither a link nor ".." nor a mount's end can lead out of `root`.
// An empty path or "." is `root` itself. Paths longer than the kernel takes at once are walked in parts.
Result<UniqueFd> OpenBeneath(int root, std::string_view path, int flags, mode_t mode = 0);

// A descriptor shared by the tasks that work in one directory.
using SharedFd = std::shared_ptr<UniqueFd>;

inline SharedFd Share(UniqueFd fd) { return std::make_shared<UniqueFd>(std::move(fd)); }

// "a/b" + "c"; an empty directory gives "c".
std::string JoinPath(std::string_view directory, std::string_view name);
// The last component, and what is before it (empty for none).
std::string_view BaseName(std::string_view path);
std::string_view ParentPath(std::string_view path);
// Components of a path, without empty ones and "."; ".." stays.
std::vector<std::string> SplitPath(std::string_view path);

// Makes the calling thread, and the threads that it starts, have no umask: modes are then exactly those asked for.
// Other threads of the process keep theirs.
Status ClearThreadUmask();

}  // namespace tsbuild
