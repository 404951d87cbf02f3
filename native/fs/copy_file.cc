#include "fs/copy_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "base/unique_fd.h"
#include "fs/xattr.h"

namespace tsbuild {

namespace {

constexpr size_t kSmallFile = 64 * 1024;
constexpr size_t kBufferSize = 256 * 1024;
// The kernel copies as much in one call, which nothing can end.
constexpr uint64_t kRange = 64 * 1024 * 1024;

char* ThreadBuffer() {
  thread_local std::unique_ptr<char[]> buffer(new char[kBufferSize]);
  return buffer.get();
}

Status WriteAll(int fd, const char* data, size_t size, const std::string& path) {
  while (size > 0) {
    ssize_t written = write(fd, data, size);
    if (written < 0) {
      if (errno == EINTR) continue;
      return Error::FromErrno("write", path);
    }
    data += written;
    size -= static_cast<size_t>(written);
  }
  return Unit{};
}

// From the present offsets, at most `limit` bytes.
Result<uint64_t> CopyByBuffer(int source, int target, uint64_t limit, const std::string& path, const SharedWatch& watch) {
  uint64_t copied = 0;
  while (copied < limit) {
    ssize_t size = read(source, ThreadBuffer(), std::min<uint64_t>(kBufferSize, limit - copied));
    if (size < 0) {
      if (errno == EINTR) continue;
      return Error::FromErrno("read", path);
    }
    if (size == 0) break;
    TSB_TRY(WriteAll(target, ThreadBuffer(), static_cast<size_t>(size), path));
    copied += static_cast<uint64_t>(size);
    CountBytes(watch, static_cast<uint64_t>(size));
    TSB_TRY(CheckCancelled(watch));
  }
  return copied;
}

Result<uint64_t> CopyRange(int source, int target, uint64_t size, const std::string& path, const SharedWatch& watch) {
  uint64_t copied = 0;
  while (copied < size) {
    ssize_t n = copy_file_range(source, nullptr, target, nullptr, std::min(size - copied, kRange), 0);
    if (n < 0) {
      if (errno == EINTR) continue;
      // Between file systems of different kinds, and on some that cannot at all.
      bool unsupported = errno == EXDEV || errno == ENOSYS || errno == EOPNOTSUPP || errno == EINVAL || errno == EPERM;
      if (copied > 0 || !unsupported) return Error::FromErrno("copy_file_range", path);
      return CopyByBuffer(source, target, size, path, watch);
    }
    if (n == 0) break;  // it shrank meanwhile
    copied += static_cast<uint64_t>(n);
    CountBytes(watch, static_cast<uint64_t>(n));
    TSB_TRY(CheckCancelled(watch));
  }
  return copied;
}

Result<uint64_t> CopySparse(int source, int target, uint64_t size, const std::string& path, const SharedWatch& watch) {
  off_t at = 0;
  uint64_t copied = 0;
  for (;;) {
    off_t data = lseek(source, at, SEEK_DATA);
    if (data < 0) {
      if (errno == ENXIO) break;  // a hole to the end
      return Error::FromErrno("lseek", path);
    }
    off_t hole = lseek(source, data, SEEK_HOLE);
    if (hole < 0) return Error::FromErrno("lseek", path);
    if (lseek(source, data, SEEK_SET) < 0 || lseek(target, data, SEEK_SET) < 0) return Error::FromErrno("lseek", path);
    auto n = CopyRange(source, target, static_cast<uint64_t>(hole - data), path, watch);
    if (!n.ok()) return n;
    copied += *n;
    at = hole;
  }
  if (ftruncate(target, static_cast<off_t>(size)) < 0) return Error::FromErrno("ftruncate", path);
  return size;
}

Result<uint64_t> CopyContent(int source, const struct stat& status, int target, const std::string& path, const SharedWatch& watch) {
  uint64_t size = static_cast<uint64_t>(status.st_size);
  if (size < kSmallFile) return CopyByBuffer(source, target, size, path, watch);
  bool sparse = static_cast<uint64_t>(status.st_blocks) * 512 < size;
  return sparse ? CopySparse(source, target, size, path, watch) : CopyRange(source, target, size, path, watch);
}

}  // namespace

Status RemoveInTheWay(const FileTarget& target) {
  struct stat status;
  if (fstatat(target.directory, target.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0) {
    if (errno == ENOENT) return Unit{};
    return Error::FromErrno("stat", target.path);
  }
  if (S_ISDIR(status.st_mode)) {
    return Error::Own("COPY_TARGET_IS_DIRECTORY", "cannot replace a directory with a file", "/" + target.path);
  }
  if (unlinkat(target.directory, target.name.c_str(), 0) < 0 && errno != ENOENT) {
    return Error::FromErrno("unlink", target.path);
  }
  return Unit{};
}

Result<int> CreateFile(const FileTarget& target, mode_t mode) {
  for (int attempt = 0;; attempt++) {
    int fd = openat(target.directory, target.name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    mode & 0777);
    if (fd >= 0) return fd;
    if (errno != EEXIST || attempt > 0) return Error::FromErrno("open", target.path);
    TSB_TRY(RemoveInTheWay(target));
  }
}

Status FinishFile(int fd, const FileTarget& target, const FileAttributes& attributes) {
  static const uid_t own_uid = geteuid();
  static const gid_t own_gid = getegid();
  bool owned = attributes.owner.uid == own_uid && attributes.owner.gid == own_gid && !target.sets_group;
  if (!owned && fchown(fd, attributes.owner.uid, attributes.owner.gid) < 0) return Error::FromErrno("chown", target.path);
  if ((attributes.mode & 07000) != 0 && fchmod(fd, attributes.mode) < 0) return Error::FromErrno("chmod", target.path);
  timespec times[2] = {attributes.mtime, attributes.mtime};
  if (futimens(fd, times) < 0) return Error::FromErrno("utimensat", target.path);
  return Unit{};
}

Result<uint64_t> CopyRegularFile(int source_directory, const std::string& source_name, const struct stat& status,
                                 const FileTarget& target, const FileAttributes& attributes, const SharedWatch& watch) {
  UniqueFd source(openat(source_directory, source_name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!source) return Error::FromErrno("open", source_name);
  auto created = CreateFile(target, attributes.mode);
  if (!created.ok()) return std::move(created.error());
  UniqueFd fd(*created);
  uint64_t copied = 0;
  if (status.st_size > 0) {
    auto result = CopyContent(source.get(), status, fd.get(), target.path, watch);
    if (!result.ok()) return result;
    copied = *result;
  }
  TSB_TRY(FinishFile(fd.get(), target, attributes));
  if (!attributes.keep_xattrs) return copied;
  auto xattrs = ReadImageXattrs(source.get(), source_name);
  if (!xattrs.ok()) return std::move(xattrs.error());
  // After the owner: chown drops a file's capabilities.
  if (!xattrs->empty()) TSB_TRY(WriteXattrs(fd.get(), *xattrs, target.path));
  return copied;
}

}  // namespace tsbuild
