#include "sandbox/in_root.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <deque>
#include <vector>

#include "sandbox/stubs.h"

namespace tsbuild {

namespace {

constexpr int kMaxLinks = 40;  // as the kernel
constexpr size_t kMaxFileBytes = 16 << 20;

void SplitInto(const std::string& path, std::deque<std::string>& pending) {
  // Prepends the components, so that a link's goal comes before what followed the link.
  std::vector<std::string> parts;
  for (size_t at = 0; at < path.size();) {
    size_t slash = path.find('/', at);
    if (slash == std::string::npos) slash = path.size();
    if (slash > at) parts.push_back(path.substr(at, slash - at));
    at = slash + 1;
  }
  pending.insert(pending.begin(), parts.begin(), parts.end());
}

std::string Join(const std::vector<std::string>& parts) {
  std::string path;
  for (const std::string& part : parts) path += "/" + part;
  return path.empty() ? "/" : path;
}

// Makes `name` in `parent` and owns it as asked.
Status Make(int parent, const std::string& name, const std::string& path, bool last, const MakeOptions& options) {
  bool file = last && options.kind == NodeKind::kFile;
  if (file) {
    UniqueFd made(openat(parent, name.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, options.mode));
    if (!made) return Error::FromErrno("open", path);
  } else if (mkdirat(parent, name.c_str(), options.mode) < 0) {
    return Error::FromErrno("mkdir", path);
  }
  if ((options.uid != 0 || options.gid != 0) &&
      fchownat(parent, name.c_str(), options.uid, options.gid, AT_SYMLINK_NOFOLLOW) < 0) {
    return Error::FromErrno("chown", path);
  }
  return Unit{};
}

}  // namespace

Result<UniqueFd> OpenInRoot(int root, const std::string& path, int flags) {
  struct open_how how = {};
  how.flags = static_cast<unsigned>(flags) | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  // A concurrent rename elsewhere makes the kernel give up now and then; it asks to be asked again.
  for (int attempt = 0;; attempt++) {
    UniqueFd fd(static_cast<int>(syscall(SYS_openat2, root, path.c_str(), &how, sizeof how)));
    if (fd) return fd;
    if (errno != EAGAIN || attempt == 128) return Error::FromErrno("open", path);
  }
}

std::string ReadInRoot(int root, const std::string& path) {
  // O_NONBLOCK: the image may have put a FIFO there.
  auto fd = OpenInRoot(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  struct stat info;
  if (!fd.ok() || fstat(fd->get(), &info) < 0 || !S_ISREG(info.st_mode)) return {};
  std::string content;
  char buffer[16384];
  ssize_t length;
  while (content.size() < kMaxFileBytes && (length = read(fd->get(), buffer, sizeof buffer)) > 0) {
    content.append(buffer, static_cast<size_t>(length));
  }
  return content;
}

Result<UniqueFd> OpenOrMake(int root, const std::string& path, const MakeOptions& options) {
  auto found = OpenInRoot(root, path, O_PATH);
  if (found.ok() || found.error().error_number != ENOENT) return found;

  std::deque<std::string> pending;
  SplitInto(path, pending);
  std::vector<std::string> walked;  // free of links and dots
  int links = 0;
  auto current = OpenInRoot(root, "/", O_PATH | O_DIRECTORY);
  if (!current.ok()) return current;
  while (!pending.empty()) {
    std::string name = std::move(pending.front());
    pending.pop_front();
    if (name == ".") continue;
    if (name == "..") {
      if (!walked.empty()) walked.pop_back();
      current = OpenInRoot(root, Join(walked), O_PATH | O_DIRECTORY);
      if (!current.ok()) return current;
      continue;
    }
    walked.push_back(name);
    std::string here = Join(walked);
    auto next = OpenInRoot(root, here, O_PATH | O_NOFOLLOW);
    if (!next.ok()) {
      if (next.error().error_number != ENOENT) return next;
      struct stat before;
      if (fstatat(current->get(), "", &before, AT_EMPTY_PATH) < 0) return Error::FromErrno("stat", here);
      TSB_TRY(Make(current->get(), name, here, pending.empty(), options));
      if (options.stubs != nullptr) options.stubs->Remember(root, current->get(), name, before.st_mtim);
      next = OpenInRoot(root, here, O_PATH | O_NOFOLLOW);
      if (!next.ok()) return next;
    }
    struct stat info;
    if (fstatat(next->get(), "", &info, AT_EMPTY_PATH) < 0) return Error::FromErrno("stat", here);
    if (S_ISLNK(info.st_mode)) {
      if (++links > kMaxLinks) return Error::WithErrno(ELOOP, "open", path);
      char goal[4096];
      ssize_t length = readlinkat(next->get(), "", goal, sizeof goal);
      if (length < 0) return Error::FromErrno("readlink", here);
      std::string text(goal, static_cast<size_t>(length));
      if (!text.empty() && text[0] == '/') {
        walked.clear();
      } else {
        walked.pop_back();
      }
      SplitInto(text, pending);
      current = OpenInRoot(root, Join(walked), O_PATH | O_DIRECTORY);
      if (!current.ok()) return current;
      continue;
    }
    if (!pending.empty() && !S_ISDIR(info.st_mode)) return Error::WithErrno(ENOTDIR, "open", here);
    current = std::move(next);
  }
  return current;
}

}  // namespace tsbuild
