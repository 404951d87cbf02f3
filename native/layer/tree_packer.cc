#include "layer/tree_packer.h"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <memory>

#include "fs/directory.h"
#include "fs/xattr.h"

namespace tsbuild {

namespace {

constexpr size_t kBuffer = 256 * 1024;

TarEntry::Type TypeOf(mode_t mode) {
  if (S_ISDIR(mode)) return TarEntry::Type::kDirectory;
  if (S_ISLNK(mode)) return TarEntry::Type::kSymlink;
  if (S_ISCHR(mode)) return TarEntry::Type::kCharacterDevice;
  if (S_ISBLK(mode)) return TarEntry::Type::kBlockDevice;
  if (S_ISFIFO(mode)) return TarEntry::Type::kFifo;
  return TarEntry::Type::kFile;
}

}  // namespace

Status TreePacker::Pack(const std::vector<Change>& changes) {
  for (const Change& change : changes) {
    if (S_ISSOCK(change.status.st_mode)) continue;
    TSB_TRY(PackEntry(change));
    entries_++;
  }
  return tar_.Finish();
}

TarEntry TreePacker::DescribeEntry(const Change& change) const {
  TarEntry entry;
  const struct stat& status = change.status;
  entry.type = TypeOf(status.st_mode);
  entry.name = change.path.empty() ? "." : change.path;
  entry.mode = status.st_mode & 07777;
  if (kind_ == Kind::kPart && !S_ISDIR(status.st_mode)) entry.mode &= 01777;
  entry.uid = status.st_uid;
  entry.gid = status.st_gid;
  entry.mtime.tv_sec = status.st_mtim.tv_sec;
  if (kind_ == Kind::kPart) entry.mtime.tv_nsec = status.st_mtim.tv_nsec;
  if (latest_mtime_) entry.mtime.tv_sec = std::min<time_t>(entry.mtime.tv_sec, *latest_mtime_);
  if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)) {
    entry.device_major = major(status.st_rdev);
    entry.device_minor = minor(status.st_rdev);
  }
  return entry;
}

Status TreePacker::PackLink(const Change& change, const std::string& target) {
  TarEntry entry = DescribeEntry(change);
  entry.type = TarEntry::Type::kHardlink;
  entry.link = target;
  return tar_.WriteHeader(entry);
}

Status TreePacker::CheckUnchanged(int fd, const Change& change) const {
  if (kind_ == Kind::kLayer) return Unit{};
  struct stat now;
  if (fstat(fd, &now) < 0) return Error::FromErrno("fstat", change.path);
  const struct stat& then = change.status;
  bool same = now.st_dev == then.st_dev && now.st_ino == then.st_ino && now.st_mode == then.st_mode &&
              now.st_size == then.st_size && now.st_ctim.tv_sec == then.st_ctim.tv_sec &&
              now.st_ctim.tv_nsec == then.st_ctim.tv_nsec;
  if (!same) return Error::Own("FILE_CHANGED", "the file was changed while it was read", change.path);
  return Unit{};
}

Status TreePacker::PackEntry(const Change& change) {
  if (change.removed) {
    TarEntry whiteout;
    whiteout.name = JoinPath(ParentPath(change.path), ".wh." + std::string(BaseName(change.path)));
    return tar_.WriteHeader(whiteout);
  }
  TarEntry entry = DescribeEntry(change);
  const struct stat& status = change.status;
  if (S_ISLNK(status.st_mode)) {
    auto directory = OpenBeneath(roots_[change.layer], ParentPath(change.path), O_PATH | O_DIRECTORY);
    if (!directory.ok()) return std::move(directory.error());
    char link[PATH_MAX];
    ssize_t size = readlinkat(directory->get(), std::string(BaseName(change.path)).c_str(), link, sizeof(link));
    if (size < 0) return Error::FromErrno("readlink", change.path);
    entry.link.assign(link, static_cast<size_t>(size));
    content_size_ += entry.link.size();
    return tar_.WriteHeader(entry);
  }
  bool file = S_ISREG(status.st_mode);
  if (file && status.st_nlink > 1) {
    auto [first, added] = links_.try_emplace({status.st_dev, status.st_ino}, change.path);
    if (!added) {
      entry.type = TarEntry::Type::kHardlink;
      entry.link = first->second;
      return tar_.WriteHeader(entry);
    }
  }
  if (!file && !S_ISDIR(status.st_mode)) return tar_.WriteHeader(entry);
  auto fd = OpenBeneath(roots_[change.layer], change.path, O_RDONLY | O_NONBLOCK);
  if (!fd.ok()) return std::move(fd.error());
  TSB_TRY(CheckUnchanged(fd->get(), change));
  auto xattrs = ReadImageXattrs(fd->get(), change.path);
  if (!xattrs.ok()) return std::move(xattrs.error());
  entry.xattrs = std::move(*xattrs);
  if (kind_ == Kind::kPart) std::erase_if(entry.xattrs, [](const Xattr& xattr) { return IsPrivilegeXattr(xattr.name); });
  if (!file) return tar_.WriteHeader(entry);
  entry.size = static_cast<uint64_t>(status.st_size);
  content_size_ += entry.size;
  return PackContent(fd->get(), change, std::move(entry));
}

Status TreePacker::PackContent(int fd, const Change& change, TarEntry entry) {
  TSB_TRY(tar_.WriteHeader(entry));
  thread_local std::unique_ptr<char[]> buffer(new char[kBuffer]);
  for (uint64_t left = entry.size; left > 0;) {
    ssize_t n = read(fd, buffer.get(), std::min<uint64_t>(kBuffer, left));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error::FromErrno("read", change.path);
    if (n == 0) return Error::Own("FILE_CHANGED", "the file became shorter while it was read", change.path);
    TSB_TRY(tar_.WriteContent(buffer.get(), static_cast<size_t>(n)));
    left -= static_cast<uint64_t>(n);
  }
  TSB_TRY(CheckUnchanged(fd, change));
  return tar_.EndContent();
}

}  // namespace tsbuild
