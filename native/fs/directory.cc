#include "fs/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

namespace tsbuild {

namespace {

struct LinuxDirent64 {
  ino64_t ino;
  off64_t offset;
  unsigned short length;
  unsigned char type;
  char name[];
};

}  // namespace

Error TreeTooDeep(const std::string& path) {
  return Error::Own("TREE_TOO_DEEP", "directories are nested more than " + std::to_string(kMaxTreeDepth) + " levels deep",
                    path.substr(0, 60) + "\u2026");
}

Result<std::vector<DirectoryEntry>> ReadDirectory(int fd, const std::string& path) {
  // What is short is not deep: most paths are not looked through.
  if (path.size() > kMaxTreeDepth && static_cast<size_t>(std::count(path.begin(), path.end(), '/')) > kMaxTreeDepth) {
    return TreeTooDeep(path);
  }
  std::vector<DirectoryEntry> entries;
  constexpr size_t kBufferSize = 64 * 1024;
  thread_local std::unique_ptr<char[]> buffer(new char[kBufferSize]);
  if (lseek(fd, 0, SEEK_SET) < 0) return Error::FromErrno("lseek", path);
  for (;;) {
    long size = syscall(SYS_getdents64, fd, buffer.get(), kBufferSize);
    // A directory that was removed since it was opened is at its end, as POSIX has it for readdir.
    if (size == 0 || (size < 0 && errno == ENOENT)) break;
    if (size < 0) return Error::FromErrno("getdents64", path);
    for (long at = 0; at < size;) {
      const auto* entry = reinterpret_cast<const LinuxDirent64*>(buffer.get() + at);
      at += entry->length;
      if (strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0) continue;
      entries.push_back({entry->name, entry->type});
    }
  }
  std::sort(entries.begin(), entries.end(),
            [](const DirectoryEntry& a, const DirectoryEntry& b) { return a.name < b.name; });
  return entries;
}

Result<UniqueFd> OpenBeneath(int root, std::string_view path, int flags, mode_t mode) {
  // A margin below PATH_MAX; deeper trees exist, made step by step.
  constexpr size_t kMaxAtOnce = PATH_MAX - 96;
  UniqueFd middle;
  int base = root;
  std::string rest(path.empty() ? std::string_view(".") : path);
  for (;;) {
    std::string part = rest;
    bool last = true;
    if (rest.size() > kMaxAtOnce) {
      size_t slash = rest.rfind('/', kMaxAtOnce);
      if (slash == std::string::npos) return Error::WithErrno(ENAMETOOLONG, "openat2", std::string(path));
      part = rest.substr(0, slash);
      rest = rest.substr(slash + 1);
      last = false;
    }
    open_how how{};
    how.flags = static_cast<uint64_t>((last ? flags : O_PATH | O_DIRECTORY) | O_CLOEXEC | O_NOFOLLOW);
    how.mode = last ? mode : 0;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    UniqueFd fd;
    do {
      fd.reset(static_cast<int>(syscall(SYS_openat2, base, part.c_str(), &how, sizeof(how))));
      // EAGAIN: something was renamed at the same time and the kernel could not be sure.
    } while (!fd && (errno == EINTR || errno == EAGAIN));
    if (!fd) return Error::FromErrno("openat2", std::string(path));
    if (last) return fd;
    middle = std::move(fd);
    base = middle.get();
  }
}

std::string JoinPath(std::string_view directory, std::string_view name) {
  if (directory.empty()) return std::string(name);
  std::string path;
  path.reserve(directory.size() + 1 + name.size());
  path.append(directory);
  if (!name.empty()) {
    path.push_back('/');
    path.append(name);
  }
  return path;
}

std::string_view BaseName(std::string_view path) {
  size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string_view ParentPath(std::string_view path) {
  size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::vector<std::string> SplitPath(std::string_view path) {
  std::vector<std::string> parts;
  size_t at = 0;
  while (at <= path.size()) {
    size_t slash = std::min(path.find('/', at), path.size());
    std::string_view part = path.substr(at, slash - at);
    if (!part.empty() && part != ".") parts.emplace_back(part);
    at = slash + 1;
  }
  return parts;
}

Status ClearThreadUmask() {
  if (unshare(CLONE_FS) < 0) return Error::FromErrno("unshare", "fs");
  umask(0);
  return Unit{};
}

}  // namespace tsbuild
