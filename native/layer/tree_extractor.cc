#include "layer/tree_extractor.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>

#include "fs/remove_tree.h"
#include "fs/xattr.h"

namespace tsbuild {

namespace {

// Contents up to this size are handed to the pool with their task; larger ones are written as they are read.
constexpr uint64_t kSmallFile = 128 * 1024;
constexpr size_t kPending = 64;
constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kOpaque = ".wh..wh..opq";
constexpr std::string_view kReserved = ".wh..wh.";  // of AUFS, long gone

}  // namespace

TreeExtractor::TreeExtractor(int root, ExtractInto into, std::optional<Ownership> owner, Trust trust,
                             uint64_t max_entries)
    : owner_(owner), trust_(trust), max_entries_(max_entries), pool_(WorkerCount(), kPending), parents_(state_, pool_) {
  state_.root = root;
  state_.into = into;
}

Status TreeExtractor::Extract(TarReader& tar) {
  for (;;) {
    auto entry = tar.Next();
    if (!entry.ok()) return std::move(entry.error());
    if (!entry->has_value()) break;
    TSB_TRY(ExtractEntry(tar, **entry));
    if (state_.needs_lowers) return Unit{};
  }
  TSB_TRY(pool_.Drain());
  return FinishDirectories();
}

Result<std::string> TreeExtractor::CleanName(const std::string& name, const char* what) const {
  if (name.starts_with('/')) return TarPathEscapes(name, std::string(what) + " is absolute");
  std::string clean;
  std::vector<std::string> parts;
  for (std::string& part : SplitPath(name)) {
    if (part != "..") {
      parts.push_back(std::move(part));
    } else if (parts.empty()) {
      return TarPathEscapes(name, std::string(what) + " leads out of the archive");
    } else {
      parts.pop_back();
    }
  }
  if (parts.size() > kMaxTreeDepth) return TreeTooDeep(name);
  for (const std::string& part : parts) clean = JoinPath(clean, part);
  return clean;
}

Result<FileAttributes> TreeExtractor::AttributesOf(const TarEntry& entry) const {
  FileAttributes attributes;
  if (entry.uid >= UINT32_MAX || entry.gid >= UINT32_MAX) return TarBadEntry(entry.name, "the owner's id is out of range");
  attributes.owner = owner_.value_or(Ownership{static_cast<uid_t>(entry.uid), static_cast<gid_t>(entry.gid)});
  attributes.mode = entry.mode;
  attributes.mtime = entry.mtime;
  return attributes;
}

Status TreeExtractor::Distrust(TarEntry& entry) const {
  using Type = TarEntry::Type;
  if (entry.type == Type::kCharacterDevice || entry.type == Type::kBlockDevice || entry.type == Type::kFifo) {
    return TarBadEntry(entry.name, "a device or a fifo");
  }
  if (entry.sparse) return TarBadEntry(entry.name, "a sparse file");
  if (entry.type != Type::kDirectory) entry.mode &= 01777;
  std::erase_if(entry.xattrs, [](const Xattr& xattr) { return IsPrivilegeXattr(xattr.name); });
  return Unit{};
}

Status TreeExtractor::ExtractEntry(TarReader& tar, TarEntry& entry) {
  if (trust_ == Trust::kFilesOnly) TSB_TRY(Distrust(entry));
  auto clean = CleanName(entry.name, "the name");
  if (!clean.ok()) return std::move(clean.error());
  std::erase_if(entry.xattrs, [](const Xattr& xattr) { return !IsImageXattr(xattr.name); });
  if (clean->empty()) {
    if (entry.type != TarEntry::Type::kDirectory) return TarBadEntry(entry.name, "an entry without a name");
    return ApplyRoot(entry);
  }
  Place place;
  place.name = BaseName(*clean);
  place.parent_path = ParentPath(*clean);
  bool whiteout = state_.into != ExtractInto::kPlain && place.name.starts_with(kWhiteout);
  if (whiteout && place.name.starts_with(kReserved) && place.name != kOpaque) return Unit{};
  auto parent = parents_.Open(&place.parent_path);
  if (!parent.ok()) return std::move(parent.error());
  if (state_.needs_lowers) return Unit{};
  place.parent = std::move(*parent);
  place.path = JoinPath(place.parent_path, place.name);
  if (++entries_ > max_entries_) return Error::Own("TAR_TOO_LARGE", "the archive has more entries than were announced");
  if (whiteout) return ExtractWhiteout(place);

  bool character = entry.type == TarEntry::Type::kCharacterDevice;
  // As a file it would be a whiteout of overlayfs; there is no such device.
  if (character && entry.device_major == 0 && entry.device_minor == 0) return Unit{};

  bool merges = false;
  bool was_whiteout = false;
  TSB_TRY(MakeWay(place, entry, &merges, &was_whiteout));
  switch (entry.type) {
    case TarEntry::Type::kDirectory:
      TSB_TRY(ExtractDirectory(place, entry, merges, was_whiteout));
      break;
    case TarEntry::Type::kFile:
      TSB_TRY(ExtractFile(tar, place, entry));
      break;
    case TarEntry::Type::kHardlink:
      TSB_TRY(ExtractHardlink(place, entry));
      break;
    default:
      TSB_TRY(ExtractOther(place, entry));
  }
  state_.made.insert(std::move(place.path));
  return Unit{};
}

Status TreeExtractor::ExtractWhiteout(const Place& place) {
  if (place.name == kOpaque) {
    if (state_.into == ExtractInto::kBottom) return Unit{};
    if (state_.into == ExtractInto::kOverlay) return MarkOpaque(place.parent->fd.get(), place.parent_path);
    TSB_TRY(pool_.Drain());
    return RemoveOld(place.parent->fd.get(), place.parent_path);
  }
  std::string name = place.name.substr(kWhiteout.size());
  if (name.empty() || name == "." || name == "..") return TarBadEntry(place.path, "a whiteout of nothing");
  if (state_.into == ExtractInto::kBottom) return Unit{};
  std::string path = JoinPath(place.parent_path, name);
  int parent = place.parent->fd.get();
  if (state_.made.contains(path)) {
    // It hides what is below, never what its own layer brings.
    TSB_TRY(pool_.Drain());
    auto directory = OpenBeneath(state_.root, path, O_RDONLY | O_DIRECTORY);
    if (!directory.ok()) return Unit{};
    state_.implied.erase(path);
    return state_.into == ExtractInto::kOverlay ? MarkOpaque(directory->get(), path) : RemoveOld(directory->get(), path);
  }
  if (state_.into == ExtractInto::kMerged) {
    parents_.Forget();
    return RemoveAt(parent, name, path);
  }
  if (mknodat(parent, name.c_str(), S_IFCHR, makedev(0, 0)) < 0 && errno != EEXIST) return Error::FromErrno("mknod", path);
  state_.whiteouts.insert(std::move(path));
  return Unit{};
}

// Removes from a directory of the merged tree all that the archive did not make itself.
Status TreeExtractor::RemoveOld(int directory, const std::string& path) {
  auto entries = ReadDirectory(directory, path);
  if (!entries.ok()) return std::move(entries.error());
  for (const DirectoryEntry& entry : *entries) {
    std::string child = JoinPath(path, entry.name);
    if (!state_.made.contains(child)) {
      parents_.Forget();
      TSB_TRY(RemoveAt(directory, entry.name, child));
      continue;
    }
    UniqueFd fd(openat(directory, entry.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (fd) TSB_TRY(RemoveOld(fd.get(), child));
  }
  return Unit{};
}

// Removes what stands where the entry goes. Directories are merged instead.
Status TreeExtractor::MakeWay(const Place& place, const TarEntry& entry, bool* merges, bool* was_whiteout) {
  bool fresh = state_.fresh();
  bool made = state_.made.contains(place.path);
  *was_whiteout = fresh && state_.whiteouts.erase(place.path) > 0;
  // An empty tree holds only what this archive put there.
  if (fresh && !made && !*was_whiteout) return Unit{};
  if (made) TSB_TRY(pool_.Drain());
  int parent = place.parent->fd.get();
  struct stat status;
  if (fstatat(parent, place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0) {
    if (errno == ENOENT) return Unit{};
    return Error::FromErrno("stat", place.path);
  }
  if (S_ISDIR(status.st_mode) && entry.type == TarEntry::Type::kDirectory) {
    *merges = true;
    return Unit{};
  }
  if (S_ISDIR(status.st_mode)) {
    parents_.Forget();
    std::string below = place.path + "/";
    auto gone = [&](const std::string& path) { return path == place.path || path.starts_with(below); };
    std::erase_if(state_.made, gone);
    std::erase_if(state_.implied, gone);
  }
  return RemoveAt(parent, place.name, place.path);
}

Status TreeExtractor::ApplyRoot(const TarEntry& entry) {
  // ADD unpacks into a directory that is not the archive's to change.
  if (state_.into == ExtractInto::kPlain) return Unit{};
  auto attributes = AttributesOf(entry);
  if (!attributes.ok()) return std::move(attributes.error());
  if (fchown(state_.root, attributes->owner.uid, attributes->owner.gid) < 0) return Error::FromErrno("chown", "/");
  if (fchmod(state_.root, attributes->mode) < 0) return Error::FromErrno("chmod", "/");
  TSB_TRY(WriteXattrs(state_.root, entry.xattrs, "/"));
  directory_times_[""] = attributes->mtime;
  directories_.emplace_back();
  entries_++;
  return Unit{};
}

Status TreeExtractor::ExtractDirectory(const Place& place, const TarEntry& entry, bool merges, bool was_whiteout) {
  auto attributes = AttributesOf(entry);
  if (!attributes.ok()) return std::move(attributes.error());
  int parent = place.parent->fd.get();
  const char* name = place.name.c_str();
  if (!merges && mkdirat(parent, name, attributes->mode) < 0) return Error::FromErrno("mkdir", place.path);
  state_.implied.erase(place.path);
  UniqueFd fd(openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return Error::FromErrno("open", place.path);
  struct stat status;
  if (fstat(fd.get(), &status) < 0) return Error::FromErrno("fstat", place.path);
  bool owned = status.st_uid == attributes->owner.uid && status.st_gid == attributes->owner.gid;
  if (!owned && fchown(fd.get(), attributes->owner.uid, attributes->owner.gid) < 0) {
    return Error::FromErrno("chown", place.path);
  }
  if ((status.st_mode & 07777) != attributes->mode && fchmod(fd.get(), attributes->mode) < 0) {
    return Error::FromErrno("chmod", place.path);
  }
  if (!entry.xattrs.empty()) TSB_TRY(WriteXattrs(fd.get(), entry.xattrs, place.path));
  if (was_whiteout) TSB_TRY(MarkOpaque(fd.get(), place.path));
  if (directory_times_.insert_or_assign(place.path, attributes->mtime).second) directories_.push_back(place.path);
  parents_.Remember(place.path, std::move(fd), attributes->mode);
  return Unit{};
}

Status TreeExtractor::ExtractFile(TarReader& tar, const Place& place, TarEntry& entry) {
  auto attributes = AttributesOf(entry);
  if (!attributes.ok()) return std::move(attributes.error());
  auto finish = [](int fd, const FileTarget& target, const FileAttributes& wanted, const std::vector<Xattr>& xattrs) -> Status {
    TSB_TRY(FinishFile(fd, target, wanted));
    // After the owner: chown drops a file's capabilities.
    if (!xattrs.empty()) TSB_TRY(WriteXattrs(fd, xattrs, target.path));
    return Unit{};
  };
  auto write_at = [](int fd, const char* data, size_t size, off_t offset, const std::string& path) -> Status {
    while (size > 0) {
      ssize_t n = pwrite(fd, data, size, offset);
      if (n < 0 && errno != EINTR) return Error::FromErrno("write", path);
      if (n <= 0) continue;
      data += n;
      offset += n;
      size -= static_cast<size_t>(n);
    }
    return Unit{};
  };
  bytes_ += entry.size;
  content_size_ += entry.sparse ? entry.real_size : entry.size;
  if (!entry.sparse && entry.size <= kSmallFile) {
    std::string content(entry.size, '\0');
    for (size_t done = 0; done < content.size();) {
      auto n = tar.Read(content.data() + done, content.size() - done);
      if (!n.ok()) return std::move(n.error());
      done += *n;
    }
    bool taken = pool_.Add([=, parent = place.parent, name = place.name, path = place.path, wanted = *attributes,
                            xattrs = std::move(entry.xattrs), content = std::move(content)]() -> Status {
      FileTarget target{parent->fd.get(), name, path, parent->sets_group};
      auto created = CreateFile(target, wanted.mode);
      if (!created.ok()) return std::move(created.error());
      UniqueFd fd(*created);
      TSB_TRY(write_at(fd.get(), content.data(), content.size(), 0, path));
      return finish(fd.get(), target, wanted, xattrs);
    });
    return taken ? Status(Unit{}) : pool_.Drain();
  }

  FileTarget target{place.parent->fd.get(), place.name, place.path, place.parent->sets_group};
  auto created = CreateFile(target, attributes->mode);
  if (!created.ok()) return std::move(created.error());
  UniqueFd fd(*created);
  std::vector<TarEntry::Extent> extents = std::move(entry.extents);
  if (!entry.sparse) extents.push_back({0, entry.size});
  std::vector<char> buffer(256 * 1024);
  for (const TarEntry::Extent& extent : extents) {
    for (uint64_t done = 0; done < extent.size;) {
      auto n = tar.Read(buffer.data(), std::min<uint64_t>(buffer.size(), extent.size - done));
      if (!n.ok()) return std::move(n.error());
      TSB_TRY(write_at(fd.get(), buffer.data(), *n, static_cast<off_t>(extent.offset + done), place.path));
      done += *n;
    }
  }
  if (entry.sparse && ftruncate(fd.get(), static_cast<off_t>(entry.real_size)) < 0) {
    return Error::FromErrno("ftruncate", place.path);
  }
  return finish(fd.get(), target, *attributes, entry.xattrs);
}

Status TreeExtractor::ExtractHardlink(const Place& place, const TarEntry& entry) {
  auto clean = CleanName(entry.link, "the link's target");
  if (!clean.ok()) return std::move(clean.error());
  if (clean->empty()) return TarBadEntry(entry.name, "a hardlink to the root");
  TSB_TRY(pool_.Drain());
  std::string name(BaseName(*clean));
  auto resolved = ResolveInRoot(state_.root, ParentPath(*clean), true);
  if (!resolved.ok()) return std::move(resolved.error());
  std::string path = JoinPath(resolved->path, name);
  bool fresh = state_.fresh();
  bool there = resolved->exists && (!fresh || state_.made.contains(path));
  int linked = -1;
  errno = ENOENT;
  if (there) {
    auto directory = OpenBeneath(state_.root, resolved->path, O_PATH | O_DIRECTORY);
    if (!directory.ok()) return std::move(directory.error());
    linked = linkat(directory->get(), name.c_str(), place.parent->fd.get(), place.name.c_str(), 0);
  }
  if (linked == 0) return Unit{};
  if (errno == ENOENT && state_.into == ExtractInto::kOverlay) {
    state_.needs_lowers = true;
    return Unit{};
  }
  if (errno == ENOENT) return TarBadEntry(entry.name, "a hardlink to " + entry.link + ", which is not there");
  return Error::FromErrno("link", place.path);
}

Status TreeExtractor::ExtractOther(const Place& place, const TarEntry& entry) {
  auto attributes = AttributesOf(entry);
  if (!attributes.ok()) return std::move(attributes.error());
  int parent = place.parent->fd.get();
  const char* name = place.name.c_str();
  bool symlink = entry.type == TarEntry::Type::kSymlink;
  if (symlink) {
    if (symlinkat(entry.link.c_str(), parent, name) < 0) return Error::FromErrno("symlink", place.path);
    content_size_ += entry.link.size();
  } else {
    mode_t type = entry.type == TarEntry::Type::kFifo               ? S_IFIFO
                  : entry.type == TarEntry::Type::kCharacterDevice ? S_IFCHR
                                                                    : S_IFBLK;
    dev_t device = makedev(entry.device_major, entry.device_minor);
    if (mknodat(parent, name, type | (attributes->mode & 0777), device) < 0) return Error::FromErrno("mknod", place.path);
  }
  if (fchownat(parent, name, attributes->owner.uid, attributes->owner.gid, AT_SYMLINK_NOFOLLOW) < 0) {
    return Error::FromErrno("chown", place.path);
  }
  if (!symlink && (attributes->mode & 07000) != 0 && fchmodat(parent, name, attributes->mode, 0) < 0) {
    return Error::FromErrno("chmod", place.path);
  }
  timespec times[2] = {attributes->mtime, attributes->mtime};
  if (utimensat(parent, name, times, AT_SYMLINK_NOFOLLOW) < 0) return Error::FromErrno("utimensat", place.path);
  return Unit{};
}

// Deepest last made, first finished: setting a time does not touch the parent's, but order costs nothing.
Status TreeExtractor::FinishDirectories() {
  parents_.Forget();
  for (auto path = directories_.rbegin(); path != directories_.rend(); ++path) {
    auto fd = OpenBeneath(state_.root, *path, O_RDONLY | O_DIRECTORY);
    if (!fd.ok()) continue;  // replaced by a later entry
    timespec mtime = directory_times_[*path];
    timespec times[2] = {mtime, mtime};
    if (futimens(fd->get(), times) < 0) return Error::FromErrno("utimensat", *path);
  }
  return Unit{};
}

}  // namespace tsbuild
