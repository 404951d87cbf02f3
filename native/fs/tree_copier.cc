#include "fs/tree_copier.h"

#include <fcntl.h>
#include <unistd.h>

#include <climits>

#include "fs/xattr.h"

namespace tsbuild {

namespace {

constexpr mode_t kPermissions = 07777;

}  // namespace

TreeCopier::TreeCopier(const SourceTree& source, int target_root, const CopyOptions& options, TaskPool& pool)
    : source_(source), target_root_(target_root), options_(options), pool_(pool) {}

TreeCopier::TargetDirectory::~TargetDirectory() {
  timespec times[2] = {mtime, mtime};
  if (futimens(fd.get(), times) < 0) copier->Fail(Error::FromErrno("utimensat", path));
}

void TreeCopier::Fail(Error error) {
  std::lock_guard lock(error_mutex_);
  if (!error_) error_ = std::move(error);
}

FileAttributes TreeCopier::AttributesOf(const struct stat& status) const {
  FileAttributes attributes;
  attributes.owner = options_.owner ? *options_.owner : source_.OwnerOf(status);
  attributes.mode = (options_.mode ? *options_.mode : status.st_mode) & kPermissions;
  if (options_.mode_change != nullptr) attributes.mode = options_.mode_change->Apply(status.st_mode);
  attributes.mtime = status.st_mtim;
  attributes.keep_xattrs = !source_.git_modes;
  return attributes;
}

Status TreeCopier::Copy(const SourceMatch& match, const std::string& target) {
  Status copied = CopyTop(match, target);
  // Tasks hold directories of this copier: they must be done before anything is returned.
  Status drained = pool_.Drain();
  if (!copied.ok()) return copied;
  if (!drained.ok()) return drained;
  std::lock_guard lock(error_mutex_);
  if (error_) return *error_;
  return Unit{};
}

Status TreeCopier::CopyTop(const SourceMatch& match, const std::string& target) {
  if (S_ISDIR(match.status.st_mode)) {
    Frame frame;
    auto fd = OpenBeneath(source_.root, match.path, O_RDONLY | O_DIRECTORY);
    if (!fd.ok()) return std::move(fd.error());
    frame.source = Share(std::move(*fd));
    frame.status = match.status;
    frame.source_path = match.path;
    frame.target_path = target;
    frame.ignored = source_.ignore.JudgeFromRoot(match.path).carried;
    if (options_.include != nullptr) frame.included = options_.include->AtRoot();
    if (options_.exclude != nullptr) frame.excluded = options_.exclude->AtRoot();
    TSB_TRY(MakeTopTarget(frame));
    return CopyEntries(frame);
  }
  std::string parent(ParentPath(target));
  auto directory = OpenBeneath(target_root_, parent, O_RDONLY | O_DIRECTORY);
  if (!directory.ok()) return std::move(directory.error());
  struct stat status;
  if (fstat(directory->get(), &status) < 0) return Error::FromErrno("fstat", parent);
  auto source = OpenBeneath(source_.root, ParentPath(match.path), O_PATH | O_DIRECTORY);
  if (!source.ok()) return std::move(source.error());
  auto shared = std::make_shared<TargetDirectory>(this, std::move(*directory), parent);
  shared->sets_group = (status.st_mode & S_ISGID) != 0;
  // What was there before keeps no time of ours; "now" is what an ordinary write would leave.
  shared->mtime.tv_nsec = UTIME_NOW;
  return CopyOther(Share(std::move(*source)), std::string(BaseName(match.path)), match.status, shared,
                   std::string(BaseName(target)));
}

// The directory that is copied to: what is there stays as it is, but for its time.
Status TreeCopier::MakeTopTarget(Frame& frame) {
  auto there = OpenBeneath(target_root_, frame.target_path, O_RDONLY | O_DIRECTORY);
  if (there.ok()) {
    struct stat status;
    if (fstat(there->get(), &status) < 0) return Error::FromErrno("fstat", frame.target_path);
    frame.target = std::make_shared<TargetDirectory>(this, std::move(*there), frame.target_path);
    frame.target->mtime = frame.status.st_mtim;
    frame.target->sets_group = (status.st_mode & S_ISGID) != 0;
    return Unit{};
  }
  if (there.error().error_number == ENOTDIR || there.error().error_number == ELOOP) {
    return Error::Own("COPY_TARGET_NOT_DIRECTORY", "cannot copy to non-directory", "/" + frame.target_path);
  }
  if (there.error().error_number != ENOENT) return std::move(there.error());
  Frame parent;
  parent.target_path = std::string(ParentPath(frame.target_path));
  auto directory = OpenBeneath(target_root_, parent.target_path, O_RDONLY | O_DIRECTORY);
  if (!directory.ok()) return std::move(directory.error());
  parent.target = std::make_shared<TargetDirectory>(this, std::move(*directory), parent.target_path);
  parent.target->mtime.tv_nsec = UTIME_NOW;
  frame.parent = &parent;
  Status made = EnsureTarget(frame);
  frame.parent = nullptr;
  return made;
}

// Makes the directory, and those above it that were waiting for something to be copied.
Status TreeCopier::EnsureTarget(Frame& frame) {
  if (frame.target != nullptr) return Unit{};
  TSB_TRY(EnsureTarget(*frame.parent));
  const TargetDirectory& parent = *frame.parent->target;
  std::string name(BaseName(frame.target_path));
  FileAttributes attributes = AttributesOf(frame.status);
  bool made = mkdirat(parent.fd.get(), name.c_str(), attributes.mode) == 0;
  if (!made && errno != EEXIST) return Error::FromErrno("mkdir", frame.target_path);
  UniqueFd fd(openat(parent.fd.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) {
    if (errno == ENOTDIR || errno == ELOOP) {
      return Error::Own("COPY_TARGET_NOT_DIRECTORY", "cannot copy to non-directory", "/" + frame.target_path);
    }
    return Error::FromErrno("open", frame.target_path);
  }
  struct stat status;
  if (fstat(fd.get(), &status) < 0) return Error::FromErrno("fstat", frame.target_path);
  if (!made && frame.only_parent) {
    // As BuildKit does it: a directory that is there, and of which only a part is copied, takes the source's mode and no more.
    if (fchmod(fd.get(), frame.status.st_mode & kPermissions) < 0) return Error::FromErrno("chmod", frame.target_path);
    frame.target = std::make_shared<TargetDirectory>(this, std::move(fd), frame.target_path);
    frame.target->mtime.tv_nsec = UTIME_NOW;
    frame.target->sets_group = (frame.status.st_mode & S_ISGID) != 0;
    return Unit{};
  }
  if ((status.st_uid != attributes.owner.uid || status.st_gid != attributes.owner.gid) &&
      fchown(fd.get(), attributes.owner.uid, attributes.owner.gid) < 0) {
    return Error::FromErrno("chown", frame.target_path);
  }
  // mkdir heeds neither set-id bits nor, under a set-group-id directory, the lack of them.
  if ((status.st_mode & kPermissions) != attributes.mode && fchmod(fd.get(), attributes.mode) < 0) {
    return Error::FromErrno("chmod", frame.target_path);
  }
  auto xattrs = source_.ReadXattrs(frame.source->get(), frame.source_path);
  if (!xattrs.ok()) return std::move(xattrs.error());
  if (!xattrs->empty()) TSB_TRY(WriteXattrs(fd.get(), *xattrs, frame.target_path));
  frame.target = std::make_shared<TargetDirectory>(this, std::move(fd), frame.target_path);
  frame.target->mtime = attributes.mtime;
  frame.target->sets_group = (attributes.mode & S_ISGID) != 0;
  files_++;
  return Unit{};
}

Status TreeCopier::CopyEntries(Frame& frame) {
  auto entries = ReadDirectory(frame.source->get(), frame.source_path);
  if (!entries.ok()) return std::move(entries.error());
  for (const DirectoryEntry& entry : *entries) TSB_TRY(CopyEntry(frame, entry));
  return Unit{};
}

Status TreeCopier::CopyEntry(Frame& frame, const DirectoryEntry& entry) {
  TSB_TRY(CheckCancelled(options_.watch));
  std::string source_path = JoinPath(frame.source_path, entry.name);
  PatternProgram::Verdict ignored;
  PatternProgram::Verdict included{true, {}};
  PatternProgram::Verdict excluded;
  if (!source_.ignore.empty()) ignored = source_.ignore.Judge(source_path, frame.ignored);
  if (ignored.excluded && !source_.ignore.has_negations()) return Unit{};
  const PatternProgram* include = options_.include;
  const PatternProgram* exclude = options_.exclude;
  std::string relative;
  if (include != nullptr || exclude != nullptr) relative = JoinPath(frame.relative, entry.name);
  if (exclude != nullptr) excluded = exclude->Judge(relative, frame.excluded);
  if (excluded.excluded && !exclude->has_negations()) return Unit{};
  if (include != nullptr) included = include->Judge(relative, frame.included);
  // An included path is one that its patterns "exclude": matched, last.
  bool only_parent = excluded.excluded || !included.excluded;
  bool left_out = ignored.excluded || only_parent;

  struct stat status;
  if (fstatat(frame.source->get(), entry.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0) {
    return Error::FromErrno("stat", source_path);
  }
  source_.Normalise(&status);
  if (S_ISDIR(status.st_mode)) {
    if (!included.excluded && !include->MayMatchBelow(relative)) return Unit{};
    Frame child;
    child.parent = &frame;
    UniqueFd fd(openat(frame.source->get(), entry.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) return Error::FromErrno("open", source_path);
    child.source = Share(std::move(fd));
    child.status = status;
    child.source_path = std::move(source_path);
    child.target_path = JoinPath(frame.target_path, entry.name);
    child.relative = std::move(relative);
    child.only_parent = only_parent;
    child.ignored = std::move(ignored.carried);
    child.included = std::move(included.carried);
    child.excluded = std::move(excluded.carried);
    if (!left_out) TSB_TRY(EnsureTarget(child));
    return CopyEntries(child);
  }
  if (left_out) return Unit{};
  TSB_TRY(EnsureTarget(frame));
  return CopyOther(frame.source, entry.name, status, frame.target, entry.name);
}

Status TreeCopier::CopyOther(const SharedFd& source, const std::string& source_name, const struct stat& status,
                             const SharedTarget& target, const std::string& name) {
  if (S_ISREG(status.st_mode)) return CopyFileOrLink(source, source_name, status, target, name);
  std::string path = JoinPath(target->path, name);
  FileTarget place{target->fd.get(), name, path, target->sets_group};
  FileAttributes attributes = AttributesOf(status);
  auto make = [&]() -> int {
    if (!S_ISLNK(status.st_mode)) {
      return mknodat(place.directory, name.c_str(), (status.st_mode & S_IFMT) | attributes.mode, status.st_rdev);
    }
    char link[PATH_MAX];
    ssize_t size = readlinkat(source->get(), source_name.c_str(), link, sizeof(link) - 1);
    if (size < 0) return -1;
    link[size] = '\0';
    return symlinkat(link, place.directory, name.c_str());
  };
  if (make() < 0) {
    if (errno != EEXIST) return Error::FromErrno(S_ISLNK(status.st_mode) ? "symlink" : "mknod", path);
    TSB_TRY(RemoveInTheWay(place));
    if (make() < 0) return Error::FromErrno(S_ISLNK(status.st_mode) ? "symlink" : "mknod", path);
  }
  if (fchownat(place.directory, name.c_str(), attributes.owner.uid, attributes.owner.gid, AT_SYMLINK_NOFOLLOW) < 0) {
    return Error::FromErrno("chown", path);
  }
  if (!S_ISLNK(status.st_mode) && (attributes.mode & 07000) != 0 &&
      fchmodat(place.directory, name.c_str(), attributes.mode, 0) < 0) {
    return Error::FromErrno("chmod", path);
  }
  timespec times[2] = {attributes.mtime, attributes.mtime};
  if (utimensat(place.directory, name.c_str(), times, AT_SYMLINK_NOFOLLOW) < 0) return Error::FromErrno("utimensat", path);
  files_++;
  return Unit{};
}

Status TreeCopier::CopyFileOrLink(const SharedFd& source, const std::string& source_name, const struct stat& status,
                                  const SharedTarget& target, const std::string& name) {
  auto copy = [this, source, source_name, status, target, name]() -> Status {
    std::string path = JoinPath(target->path, name);
    FileTarget place{target->fd.get(), name, path, target->sets_group};
    auto copied = CopyRegularFile(source->get(), source_name, status, place, AttributesOf(status), options_.watch);
    if (!copied.ok()) return std::move(copied.error());
    files_++;
    bytes_ += *copied;
    CountFiles(options_.watch, 1);
    return Unit{};
  };
  if (status.st_nlink > 1) {
    std::string path = JoinPath(target->path, name);
    auto [known, added] = links_.try_emplace({status.st_dev, status.st_ino}, path);
    // The first name must be there before the others link to it.
    if (added) return copy();
    auto directory = OpenBeneath(target_root_, ParentPath(known->second), O_PATH | O_DIRECTORY);
    if (!directory.ok()) return std::move(directory.error());
    std::string first(BaseName(known->second));
    int linked = linkat(directory->get(), first.c_str(), target->fd.get(), name.c_str(), 0);
    if (linked < 0 && errno == EEXIST) {
      TSB_TRY(RemoveInTheWay({target->fd.get(), name, path}));
      linked = linkat(directory->get(), first.c_str(), target->fd.get(), name.c_str(), 0);
    }
    if (linked == 0) {
      files_++;
      return Unit{};
    }
    // Too many links for this file system: a copy it is.
    if (errno != EMLINK) return Error::FromErrno("link", path);
    return copy();
  }
  // The pool's own error is what Drain returns.
  if (!pool_.Add(std::move(copy))) return pool_.Drain();
  return Unit{};
}

}  // namespace tsbuild
