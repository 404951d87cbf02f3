#include "layer/diff_walk.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstring>
#include <map>
#include <memory>
#include <set>

#include "fs/directory.h"
#include "fs/xattr.h"

namespace tsbuild {

namespace {

using LinkGroup = std::pair<dev_t, ino_t>;

// A walk's order is that of paths compared component by component: '/' sorts before everything.
bool PathBefore(const std::string& a, const std::string& b) {
  size_t common = std::min(a.size(), b.size());
  for (size_t i = 0; i < common; i++) {
    if (a[i] == b[i]) continue;
    unsigned char x = a[i] == '/' ? 0 : static_cast<unsigned char>(a[i]);
    unsigned char y = b[i] == '/' ? 0 : static_cast<unsigned char>(b[i]);
    return x < y;
  }
  return a.size() < b.size();
}

bool IsWhiteout(const struct stat& status) { return S_ISCHR(status.st_mode) && status.st_rdev == 0; }

Result<std::string> ReadLinkAt(int directory, const std::string& name) {
  char buffer[PATH_MAX];
  ssize_t size = readlinkat(directory, name.c_str(), buffer, sizeof(buffer));
  if (size < 0) return Error::FromErrno("readlink", name);
  return std::string(buffer, static_cast<size_t>(size));
}

Result<bool> SameContent(int a, int b, const std::string& path) {
  constexpr size_t kBuffer = 64 * 1024;
  std::unique_ptr<char[]> left(new char[kBuffer]);
  std::unique_ptr<char[]> right(new char[kBuffer]);
  auto fill = [&](int fd, char* buffer) -> ssize_t {
    size_t done = 0;
    while (done < kBuffer) {
      ssize_t n = read(fd, buffer + done, kBuffer - done);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return -1;
      if (n == 0) break;
      done += static_cast<size_t>(n);
    }
    return static_cast<ssize_t>(done);
  };
  for (;;) {
    ssize_t x = fill(a, left.get());
    ssize_t y = fill(b, right.get());
    if (x < 0 || y < 0) return Error::FromErrno("read", path);
    if (x != y || memcmp(left.get(), right.get(), static_cast<size_t>(x)) != 0) return false;
    if (x == 0) return true;
  }
}

// One of the upper directories at some path.
struct Level {
  int fd;
  size_t layer;
};

// A name of a directory, and the level that has it; the number of levels for one that only the base has.
struct LevelName {
  std::string name;
  size_t level;
};

bool operator<(const LevelName& a, const LevelName& b) {
  int order = a.name.compare(b.name);
  return order != 0 ? order < 0 : a.level < b.level;
}

Status AddNames(int fd, const std::string& path, size_t level, std::vector<LevelName>* out) {
  auto entries = ReadDirectory(fd, path);
  if (!entries.ok()) return std::move(entries.error());
  for (DirectoryEntry& entry : *entries) out->push_back({std::move(entry.name), level});
  return Unit{};
}

class ChangeWalker {
 public:
  Result<std::vector<Change>> Run(const std::vector<int>& uppers, int base);

 private:
  // Topmost first, of one name.
  using Levels = std::vector<Level>;

  // `base` is -1 where there is no such directory below. `opaque`: nothing below shines through.
  Status WalkDirectory(const Levels& levels, int base, const std::string& path, bool opaque);
  // `levels` are the directories that have the name.
  Status VisitEntry(const Levels& levels, int base, const std::string& name, const std::string& path, bool opaque);
  Status VisitDirectory(const Levels& levels, int base, const std::string& name, const Change& change,
                        const struct stat* below, bool opaque);
  Result<bool> IsSame(int upper, const std::string& name, const struct stat& status, int base, const struct stat& below,
                      const std::string& path);
  void AddLinksOfChanged();

  std::vector<Change> changes_;
  // Names of one file: those that were left out go in after all when another one of them changed.
  std::map<LinkGroup, std::vector<Change>> unchanged_links_;
  std::set<LinkGroup> changed_links_;
};

Result<std::vector<Change>> ChangeWalker::Run(const std::vector<int>& uppers, int base) {
  struct stat status;
  struct stat below;
  if (fstat(uppers.front(), &status) < 0) return Error::FromErrno("fstat", "/");
  if (base >= 0 && fstat(base, &below) < 0) return Error::FromErrno("fstat", "/");
  // Every layer has a root, so a line for it says something only where it differs from the usual or from what is below.
  bool same = base < 0 ? (status.st_mode & 07777) == 0755 && status.st_uid == 0 && status.st_gid == 0
                       : status.st_mode == below.st_mode && status.st_uid == below.st_uid && status.st_gid == below.st_gid;
  if (!same) changes_.push_back({"", false, status, 0});
  Levels levels;
  bool opaque = false;
  for (size_t i = 0; i < uppers.size() && !opaque; i++) {
    levels.push_back({uppers[i], i});
    auto marks = ReadOverlayMarks(uppers[i], "/");
    if (!marks.ok()) return std::move(marks.error());
    opaque = marks->opaque;
  }
  TSB_TRY(WalkDirectory(levels, base, "", opaque));
  AddLinksOfChanged();
  return std::move(changes_);
}

Status ChangeWalker::WalkDirectory(const Levels& levels, int base, const std::string& path, bool opaque) {
  std::vector<LevelName> names;
  for (size_t i = 0; i < levels.size(); i++) TSB_TRY(AddNames(levels[i].fd, path, i, &names));
  // What is below and not here is gone, without a whiteout of its own.
  bool hides = opaque && base >= 0;
  if (hides) TSB_TRY(AddNames(base, path, levels.size(), &names));
  if (hides || levels.size() > 1) std::sort(names.begin(), names.end());
  Levels having;
  for (size_t at = 0; at < names.size();) {
    const std::string& name = names[at].name;
    std::string child = JoinPath(path, name);
    having.clear();
    size_t end = at;
    for (; end < names.size() && names[end].name == name; end++) {
      if (names[end].level < levels.size()) having.push_back(levels[names[end].level]);
    }
    if (having.empty()) {
      changes_.push_back({std::move(child), true, {}, 0});
    } else {
      TSB_TRY(VisitEntry(having, base, name, child, opaque));
    }
    at = end;
  }
  return Unit{};
}

Status ChangeWalker::VisitEntry(const Levels& levels, int base, const std::string& name, const std::string& path,
                                bool opaque) {
  const auto [upper, layer] = levels.front();
  struct stat status;
  if (fstatat(upper, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0) return Error::FromErrno("stat", path);
  struct stat below_status;
  const struct stat* below = nullptr;
  if (base >= 0) {
    if (fstatat(base, name.c_str(), &below_status, AT_SYMLINK_NOFOLLOW) == 0) {
      below = &below_status;
    } else if (errno != ENOENT) {
      return Error::FromErrno("stat", path);
    }
  }
  if (IsWhiteout(status)) {
    if (below != nullptr) changes_.push_back({path, true, {}, 0});
    return Unit{};
  }
  Change change{path, false, status, layer};
  if (S_ISDIR(status.st_mode)) return VisitDirectory(levels, base, name, change, below, opaque);
  bool linked = S_ISREG(status.st_mode) && status.st_nlink > 1;
  if (below != nullptr) {
    auto same = IsSame(upper, name, status, base, *below, path);
    if (!same.ok()) return std::move(same.error());
    if (*same) {
      if (linked) unchanged_links_[{status.st_dev, status.st_ino}].push_back(std::move(change));
      return Unit{};
    }
  }
  if (linked) changed_links_.insert({status.st_dev, status.st_ino});
  changes_.push_back(std::move(change));
  return Unit{};
}

Status ChangeWalker::VisitDirectory(const Levels& levels, int base, const std::string& name, const Change& change,
                                    const struct stat* below, bool opaque) {
  const std::string& path = change.path;
  std::vector<UniqueFd> opened;
  Levels inside;
  for (const Level& level : levels) {
    UniqueFd fd(openat(level.fd, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd && !inside.empty() && (errno == ENOTDIR || errno == ELOOP || errno == ENXIO)) {
      // A whiteout or a file: what is below it was gone before the directory was made.
      opaque = true;
      break;
    }
    if (!fd) return Error::FromErrno("open", path);
    auto marks = ReadOverlayMarks(fd.get(), path);
    if (!marks.ok()) return std::move(marks.error());
    if (marks->redirected) {
      return Error::Own("OVERLAY_NOT_SUPPORTED", "the directory was renamed with redirect_dir=on, which a diff cannot tell", path);
    }
    inside.push_back({fd.get(), level.layer});
    opened.push_back(std::move(fd));
    if (!marks->opaque) continue;
    opaque = true;
    break;
  }
  UniqueFd base_fd;
  bool same = false;
  if (below != nullptr && S_ISDIR(below->st_mode)) {
    base_fd.reset(openat(base, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!base_fd) return Error::FromErrno("open", path);
    auto equal = IsSame(levels.front().fd, name, change.status, base, *below, path);
    if (!equal.ok()) return std::move(equal.error());
    same = *equal;
  }
  // Its line goes first, if it has one; a directory that is as it was gets one only for what changed in it.
  size_t line = changes_.size();
  changes_.push_back(change);
  TSB_TRY(WalkDirectory(inside, base_fd.get(), path, opaque));
  if (same && changes_.size() == line + 1) changes_.pop_back();
  return Unit{};
}

// Compares as containerd's continuity does, but for content: that is read whenever all else is the same.
Result<bool> ChangeWalker::IsSame(int upper, const std::string& name, const struct stat& status, int base,
                                  const struct stat& below, const std::string& path) {
  if (status.st_mode != below.st_mode || status.st_uid != below.st_uid || status.st_gid != below.st_gid) return false;
  bool device = S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode);
  if (device && status.st_rdev != below.st_rdev) return false;
  bool directory = S_ISDIR(status.st_mode);
  if (!directory) {
    if (status.st_size != below.st_size || status.st_mtim.tv_sec != below.st_mtim.tv_sec ||
        status.st_mtim.tv_nsec != below.st_mtim.tv_nsec) {
      return false;
    }
  }
  if (S_ISLNK(status.st_mode)) {
    auto link = ReadLinkAt(upper, name);
    auto below_link = ReadLinkAt(base, name);
    if (!link.ok()) return std::move(link.error());
    if (!below_link.ok()) return std::move(below_link.error());
    return *link == *below_link;
  }
  if (!directory && !S_ISREG(status.st_mode)) return true;
  int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | (directory ? O_DIRECTORY : 0);
  UniqueFd fd(openat(upper, name.c_str(), flags));
  UniqueFd below_fd(openat(base, name.c_str(), flags));
  if (!fd || !below_fd) return Error::FromErrno("open", path);
  auto xattrs = ReadImageXattrs(fd.get(), path);
  auto below_xattrs = ReadImageXattrs(below_fd.get(), path);
  if (!xattrs.ok()) return std::move(xattrs.error());
  if (!below_xattrs.ok()) return std::move(below_xattrs.error());
  bool equal = std::equal(xattrs->begin(), xattrs->end(), below_xattrs->begin(), below_xattrs->end(),
                          [](const Xattr& a, const Xattr& b) { return a.name == b.name && a.value == b.value; });
  if (!equal || directory) return equal;
  // A time proves nothing, down to its nanoseconds: files that are written within one tick of the kernel's clock have the same,
  // and a copy has that of its source.
  if (status.st_size == 0) return true;
  return SameContent(fd.get(), below_fd.get(), path);
}

void ChangeWalker::AddLinksOfChanged() {
  size_t before = changes_.size();
  for (const LinkGroup& group : changed_links_) {
    auto unchanged = unchanged_links_.find(group);
    if (unchanged == unchanged_links_.end()) continue;
    for (Change& change : unchanged->second) changes_.push_back(std::move(change));
  }
  if (changes_.size() == before) return;
  std::sort(changes_.begin(), changes_.end(), [](const Change& a, const Change& b) { return PathBefore(a.path, b.path); });
}

Status WalkAll(int fd, const std::string& path, std::vector<Change>* out) {
  auto entries = ReadDirectory(fd, path);
  if (!entries.ok()) return std::move(entries.error());
  for (const DirectoryEntry& entry : *entries) {
    Change change{JoinPath(path, entry.name), false, {}, 0};
    if (fstatat(fd, entry.name.c_str(), &change.status, AT_SYMLINK_NOFOLLOW) < 0) return Error::FromErrno("stat", change.path);
    bool directory = S_ISDIR(change.status.st_mode);
    std::string child = change.path;
    out->push_back(std::move(change));
    if (!directory) continue;
    UniqueFd below(openat(fd, entry.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!below) return Error::FromErrno("open", child);
    TSB_TRY(WalkAll(below.get(), child, out));
  }
  return Unit{};
}

}  // namespace

Result<std::vector<Change>> WalkChanges(const std::vector<int>& uppers, int base) {
  return ChangeWalker().Run(uppers, base);
}

Result<std::vector<Change>> WalkTree(int root) {
  std::vector<Change> out;
  TSB_TRY(WalkAll(root, "", &out));
  return out;
}

}  // namespace tsbuild
