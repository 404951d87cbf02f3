#include "layer/extract_parents.h"

#include <fcntl.h>
#include <unistd.h>

#include <climits>
#include <deque>

#include "fs/directory.h"
#include "fs/xattr.h"

namespace tsbuild {

namespace {

constexpr size_t kMaxOpenDirectories = 128;
constexpr int kMaxLinks = 255;

}  // namespace

Result<ExtractParents::SharedDirectory> ExtractParents::Open(std::string* path) {
  if (auto known = open_.find(*path); known != open_.end()) return known->second;
  auto opened = OpenAndCache(*path);
  if (opened.ok()) return opened;
  int error = opened.error().error_number;
  if (error != ENOENT && error != ELOOP && error != ENOTDIR) return opened;
  TSB_TRY(tasks_.Drain());
  auto resolved = Resolve(*path);
  if (!resolved.ok()) return std::move(resolved.error());
  if (state_.needs_lowers) return SharedDirectory();
  *path = std::move(*resolved);
  return OpenAndCache(*path);
}

Result<ExtractParents::SharedDirectory> ExtractParents::OpenAndCache(const std::string& path) {
  auto fd = OpenBeneath(state_.root, path, O_RDONLY | O_DIRECTORY);
  if (!fd.ok()) return std::move(fd.error());
  struct stat status;
  if (fstat(fd->get(), &status) < 0) return Error::FromErrno("fstat", path);
  return Remember(path, std::move(*fd), status.st_mode);
}

ExtractParents::SharedDirectory ExtractParents::Remember(const std::string& path, UniqueFd fd, mode_t mode) {
  auto directory = std::make_shared<ExtractDirectory>();
  directory->fd = std::move(fd);
  directory->sets_group = (mode & S_ISGID) != 0;
  if (open_.size() >= kMaxOpenDirectories) open_.clear();
  open_[path] = directory;
  return directory;
}

Status ExtractParents::MakeImplied(int parent, const std::string& name, const std::string& path) {
  bool opaque = false;
  if (state_.whiteouts.erase(path) > 0) {
    if (unlinkat(parent, name.c_str(), 0) < 0) return Error::FromErrno("unlink", path);
    opaque = true;
  }
  if (mkdirat(parent, name.c_str(), 0755) < 0) return Error::FromErrno("mkdir", path);
  state_.made.insert(path);
  if (opaque) {
    auto made = OpenAndCache(path);
    if (!made.ok()) return std::move(made.error());
    return MarkOpaque((*made)->fd.get(), path);
  }
  if (state_.into == ExtractInto::kOverlay) state_.implied.insert(path);
  return Unit{};
}

// Walks to a parent that is not simply there: makes what is missing, follows symlinks inside the root.
Result<std::string> ExtractParents::Resolve(const std::string& path) {
  std::deque<std::string> rest;
  for (std::string& part : SplitPath(path)) rest.push_back(std::move(part));
  std::vector<std::string> done;
  size_t from_link = 0;  // how many of the next components come from a symlink's target
  int links = 0;
  auto join = [&done] {
    std::string joined;
    for (const std::string& part : done) joined = JoinPath(joined, part);
    return joined;
  };
  while (!rest.empty()) {
    std::string part = std::move(rest.front());
    rest.pop_front();
    bool target = from_link > 0;
    if (target) from_link--;
    if (part == "..") {
      if (done.empty()) return TarPathEscapes(path, "it goes through a symlink that leads out of the archive");
      done.pop_back();
      continue;
    }
    std::string parent = join();
    std::string here = JoinPath(parent, part);
    auto directory = OpenBeneath(state_.root, parent, O_PATH | O_DIRECTORY);
    if (!directory.ok()) return std::move(directory.error());
    struct stat status;
    bool exists = fstatat(directory->get(), part.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
    if (!exists && errno != ENOENT) return Error::FromErrno("stat", here);
    if (!exists || state_.whiteouts.contains(here)) {
      if (target && state_.into == ExtractInto::kOverlay) {
        state_.needs_lowers = true;
        return std::string();
      }
      if (target) return TarPathEscapes(path, "it goes through a symlink that leads to nothing in the tree");
      TSB_TRY(MakeImplied(directory->get(), part, here));
    } else if (S_ISLNK(status.st_mode)) {
      if (++links > kMaxLinks) return Error::WithErrno(ELOOP, "open", path);
      char link[PATH_MAX];
      ssize_t size = readlinkat(directory->get(), part.c_str(), link, sizeof(link));
      if (size < 0) return Error::FromErrno("readlink", here);
      std::string_view text(link, static_cast<size_t>(size));
      if (text.starts_with('/')) done.clear();
      std::vector<std::string> parts = SplitPath(text);
      from_link += parts.size();
      rest.insert(rest.begin(), parts.begin(), parts.end());
      continue;
    } else if (!S_ISDIR(status.st_mode)) {
      return TarBadEntry(path, "its parent " + here + " is not a directory");
    }
    done.push_back(std::move(part));
    if (done.size() > kMaxTreeDepth) return TreeTooDeep(path);
  }
  return join();
}

}  // namespace tsbuild
