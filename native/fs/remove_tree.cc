#include "fs/remove_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <set>

#include "fs/directory.h"

namespace tsbuild {

namespace {

// Each level takes a descriptor and a piece of the stack.
constexpr unsigned kMaxNesting = 256;

struct Removal {
  dev_t device;
  int top;             // what lies too deep is moved here; -1: nowhere
  uint64_t moved = 0;  // how much was, since the last look
};

Status RemoveEntry(int directory, const std::string& name, unsigned char type, unsigned depth, Removal* removal,
                   const std::string& path);

Status RemoveContents(int fd, unsigned depth, Removal* removal, const std::string& path) {
  struct stat status;
  if (fstat(fd, &status) < 0) return Error::FromErrno("fstat", path);
  if (status.st_dev != removal->device) return Error::WithErrno(EXDEV, "rmdir", path);
  // A directory that even its owner may not write to, in a tree of an ordinary user.
  if (geteuid() != 0 && (status.st_mode & 0700) != 0700) fchmod(fd, 0700);
  auto entries = ReadDirectory(fd, path);
  if (!entries.ok()) return std::move(entries.error());
  for (const DirectoryEntry& entry : *entries) {
    TSB_TRY(RemoveEntry(fd, entry.name, entry.type, depth + 1, removal, JoinPath(path, entry.name)));
  }
  return Unit{};
}

// Moves a directory that lies deep up to the top, where the next round finds it. False where it cannot be moved.
bool MoveUp(int directory, const std::string& name, Removal* removal) {
  for (;;) {
    std::string place = ".tsbuild-deep-" + std::to_string(removal->moved++);
    if (renameat2(directory, name.c_str(), removal->top, place.c_str(), RENAME_NOREPLACE) == 0) return true;
    if (errno != EEXIST) return false;
  }
}

Status RemoveEntry(int directory, const std::string& name, unsigned char type, unsigned depth, Removal* removal,
                   const std::string& path) {
  if (type != DT_DIR) {
    if (unlinkat(directory, name.c_str(), 0) == 0 || errno == ENOENT) return Unit{};
    // POSIX has EPERM for a directory, Linux EISDIR; EPERM is also what an immutable file says.
    if (errno != EISDIR && errno != EPERM) return Error::FromErrno("unlink", path);
  }
  UniqueFd fd(openat(directory, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd && errno == EACCES) {
    fchmodat(directory, name.c_str(), 0700, 0);
    fd.reset(openat(directory, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  }
  if (!fd) {
    if (errno == ENOENT) return Unit{};
    return errno == ENOTDIR ? Error::WithErrno(EPERM, "unlink", path) : Error::FromErrno("open", path);
  }
  if (depth > kMaxNesting && removal->top >= 0 && MoveUp(directory, name, removal)) return Unit{};
  TSB_TRY(RemoveContents(fd.get(), depth, removal, path));
  if (unlinkat(directory, name.c_str(), AT_REMOVEDIR) < 0 && errno != ENOENT) return Error::FromErrno("rmdir", path);
  return Unit{};
}

Status Measure(int fd, const std::string& path, std::set<std::pair<dev_t, ino_t>>* links, MeasureTreeResult* out) {
  auto entries = ReadDirectory(fd, path);
  if (!entries.ok()) return std::move(entries.error());
  for (const DirectoryEntry& entry : *entries) {
    struct stat status;
    if (fstatat(fd, entry.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0) {
      if (errno == ENOENT) continue;
      return Error::FromErrno("stat", JoinPath(path, entry.name));
    }
    bool directory = S_ISDIR(status.st_mode);
    if (!directory && status.st_nlink > 1 && !links->insert({status.st_dev, status.st_ino}).second) continue;
    out->files++;
    out->bytes += static_cast<uint64_t>(status.st_blocks) * 512;
    if (!directory) continue;
    UniqueFd child(openat(fd, entry.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!child) {
      if (errno == ENOENT) continue;
      return Error::FromErrno("open", JoinPath(path, entry.name));
    }
    TSB_TRY(Measure(child.get(), JoinPath(path, entry.name), links, out));
  }
  return Unit{};
}

}  // namespace

Status RemoveAt(int directory, const std::string& name, const std::string& path_for_errors) {
  struct stat status;
  if (fstat(directory, &status) < 0) return Error::FromErrno("fstat", path_for_errors);
  Removal removal{.device = status.st_dev, .top = -1};
  return RemoveEntry(directory, name, DT_UNKNOWN, 0, &removal, path_for_errors);
}

Result<Unit> RemoveTree(const RemoveTreeRequest& request) {
  struct stat status;
  if (lstat(request.path.c_str(), &status) < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return Unit{};
    return Error::FromErrno("stat", request.path);
  }
  if (!S_ISDIR(status.st_mode)) {
    if (unlink(request.path.c_str()) < 0 && errno != ENOENT) return Error::FromErrno("unlink", request.path);
    return Unit{};
  }
  UniqueFd fd(open(request.path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd && errno == EACCES) {
    chmod(request.path.c_str(), 0700);
    fd.reset(open(request.path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  }
  if (!fd && errno == ENOENT) return Unit{};
  if (!fd) return Error::FromErrno("open", request.path);
  Removal removal{.device = status.st_dev, .top = fd.get()};
  do {
    removal.moved = 0;
    TSB_TRY(RemoveContents(fd.get(), 0, &removal, request.path));
  } while (removal.moved > 0);
  if (rmdir(request.path.c_str()) < 0 && errno != ENOENT) return Error::FromErrno("rmdir", request.path);
  return Unit{};
}

Result<MeasureTreeResult> MeasureTree(const MeasureTreeRequest& request) {
  UniqueFd fd(open(request.path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return Error::FromErrno("open", request.path);
  MeasureTreeResult result;
  std::set<std::pair<dev_t, ino_t>> links;
  TSB_TRY(Measure(fd.get(), request.path, &links, &result));
  return result;
}

Result<Unit> SyncFileSystem(const SyncFileSystemRequest& request) {
  UniqueFd fd(open(request.path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return Error::FromErrno("open", request.path);
  if (syncfs(fd.get()) < 0) return Error::FromErrno("syncfs", request.path);
  return Unit{};
}

}  // namespace tsbuild
