#include "fs/resolve.h"

#include <fcntl.h>
#include <unistd.h>

#include <climits>
#include <deque>

#include "fs/directory.h"

namespace tsbuild {

namespace {

constexpr int kMaxLinks = 255;

std::string JoinParts(const std::vector<std::string>& parts) {
  std::string path;
  for (const std::string& part : parts) path = JoinPath(path, part);
  return path;
}

Result<std::string> ReadLink(int directory, const std::string& name, const std::string& path) {
  char buffer[PATH_MAX];
  ssize_t size = readlinkat(directory, name.c_str(), buffer, sizeof(buffer));
  if (size < 0) return Error::FromErrno("readlink", path);
  return std::string(buffer, static_cast<size_t>(size));
}

}  // namespace

Result<Resolved> ResolveInRoot(int root, std::string_view path, bool follow_last) {
  Resolved out;
  // The common case, in one call: there, and no symlink on the way.
  {
    std::vector<std::string> parts = SplitPath(path);
    bool plain = true;
    for (const std::string& part : parts) plain = plain && part != "..";
    if (plain) {
      std::string joined = JoinParts(parts);
      // O_PATH with O_NOFOLLOW gives the link itself, so this holds for either value of `follow_last` unless it is one.
      auto fd = OpenBeneath(root, joined, O_PATH);
      if (fd.ok()) {
        if (fstat(fd->get(), &out.status) < 0) return Error::FromErrno("fstat", joined);
        if (!S_ISLNK(out.status.st_mode) || !follow_last) {
          out.path = std::move(joined);
          out.exists = true;
          return out;
        }
      }
    }
  }

  std::deque<std::string> rest;
  for (std::string& part : SplitPath(path)) rest.push_back(std::move(part));
  std::vector<std::string> done;
  bool missing = false;  // something in `done` does not exist: nothing below it can
  int links = 0;
  out.exists = true;
  if (fstat(root, &out.status) < 0) return Error::FromErrno("fstat", "/");

  while (!rest.empty()) {
    std::string part = std::move(rest.front());
    rest.pop_front();
    if (part == "..") {
      if (!done.empty()) done.pop_back();
      missing = false;  // looked at again below
      std::string here = JoinParts(done);
      auto fd = OpenBeneath(root, here, O_PATH);
      if (fd.ok()) {
        if (fstat(fd->get(), &out.status) < 0) return Error::FromErrno("fstat", here);
        out.exists = true;
      } else {
        missing = true;
        out.exists = false;
      }
      continue;
    }
    if (missing) {
      done.push_back(std::move(part));
      continue;
    }
    std::string here = JoinParts(done);
    if (!S_ISDIR(out.status.st_mode)) return Error::WithErrno(ENOTDIR, "open", "/" + here);
    auto directory = OpenBeneath(root, here, O_PATH | O_DIRECTORY);
    if (!directory.ok()) return directory.error();
    struct stat status;
    if (fstatat(directory->get(), part.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0) {
      if (errno != ENOENT) return Error::FromErrno("stat", "/" + JoinPath(here, part));
      missing = true;
      out.exists = false;
      done.push_back(std::move(part));
      continue;
    }
    bool last = rest.empty();
    if (S_ISLNK(status.st_mode) && (!last || follow_last)) {
      if (++links > kMaxLinks) return Error::WithErrno(ELOOP, "open", std::string(path));
      auto target = ReadLink(directory->get(), part, "/" + JoinPath(here, part));
      if (!target.ok()) return target.error();
      std::vector<std::string> parts = SplitPath(*target);
      rest.insert(rest.begin(), parts.begin(), parts.end());
      if (!target->empty() && target->front() == '/') {
        done.clear();
        if (fstat(root, &out.status) < 0) return Error::FromErrno("fstat", "/");
      }
      continue;
    }
    out.status = status;
    out.exists = true;
    done.push_back(std::move(part));
  }
  out.path = JoinParts(done);
  return out;
}

Status MakeDirectories(int root, std::string_view resolved_path, mode_t mode, Ownership owner,
                       std::optional<int64_t> mtime) {
  auto whole = OpenBeneath(root, resolved_path, O_PATH | O_DIRECTORY);
  if (whole.ok()) return Unit{};
  if (whole.error().error_number != ENOENT) return std::move(whole.error());
  UniqueFd current(openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!current) return Error::FromErrno("open", "/");
  std::string done;
  bool current_made = false;
  // Making something in a directory changes its time: it is set after that.
  auto set_time = [&]() -> Status {
    if (!current_made || !mtime) return Unit{};
    const timespec time{static_cast<time_t>(*mtime), 0};
    const timespec times[2] = {time, time};
    if (futimens(current.get(), times) < 0) return Error::FromErrno("utimensat", "/" + done);
    return Unit{};
  };
  for (const std::string& part : SplitPath(resolved_path)) {
    done = JoinPath(done, part);
    bool made = mkdirat(current.get(), part.c_str(), mode) == 0;
    if (!made && errno != EEXIST) return Error::FromErrno("mkdir", "/" + done);
    auto next = OpenBeneath(current.get(), part, made ? O_RDONLY | O_DIRECTORY : O_PATH | O_DIRECTORY);
    if (!next.ok()) return Error::WithErrno(next.error().error_number, "mkdir", "/" + done);
    if (made) {
      // The parent's set-group-id bit would pass on its group: set what was asked for, whatever the parent says.
      if (fchown(next->get(), owner.uid, owner.gid) < 0) return Error::FromErrno("chown", "/" + done);
      if (fchmod(next->get(), mode) < 0) return Error::FromErrno("chmod", "/" + done);
    }
    TSB_TRY(set_time());
    current = std::move(*next);
    current_made = made;
  }
  return set_time();
}

}  // namespace tsbuild
