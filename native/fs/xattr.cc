#include "fs/xattr.h"

#include <sys/xattr.h>

#include <algorithm>

#include "mount/user_namespace.h"

namespace tsbuild {

namespace {

bool IsUnsupported(int error) { return error == ENOTSUP || error == EOPNOTSUPP; }

// The two ways to reach a file: an open descriptor, or a path.
struct Target {
  int fd;
  const char* path;

  ssize_t List(char* buffer, size_t size) const {
    return path == nullptr ? flistxattr(fd, buffer, size) : llistxattr(path, buffer, size);
  }
  ssize_t Get(const char* name, void* buffer, size_t size) const {
    return path == nullptr ? fgetxattr(fd, name, buffer, size) : lgetxattr(path, name, buffer, size);
  }
  int Set(const char* name, const std::string& value) const {
    return path == nullptr ? fsetxattr(fd, name, value.data(), value.size(), 0)
                           : lsetxattr(path, name, value.data(), value.size(), 0);
  }
};

Result<std::vector<Xattr>> Read(const Target& target, bool (*wanted)(std::string_view), const std::string& where) {
  std::vector<Xattr> out;
  char stack[1024];
  std::string heap;
  const char* names = stack;
  ssize_t size = target.List(stack, sizeof(stack));
  if (size < 0 && errno == ERANGE) {
    heap.resize(64 * 1024);  // XATTR_LIST_MAX
    size = target.List(heap.data(), heap.size());
    names = heap.data();
  }
  if (size < 0) {
    if (IsUnsupported(errno)) return out;
    return Error::FromErrno("listxattr", where);
  }
  for (ssize_t at = 0; at < size;) {
    std::string name(names + at);
    at += static_cast<ssize_t>(name.size()) + 1;
    if (!wanted(name)) continue;
    std::string value(64 * 1024, '\0');  // XATTR_SIZE_MAX
    ssize_t length = target.Get(name.c_str(), value.data(), value.size());
    if (length < 0) {
      if (errno == ENODATA) continue;
      return Error::FromErrno("getxattr", where);
    }
    value.resize(static_cast<size_t>(length));
    out.push_back({std::move(name), std::move(value)});
  }
  std::sort(out.begin(), out.end(), [](const Xattr& a, const Xattr& b) { return a.name < b.name; });
  return out;
}

bool IsContentXattr(std::string_view name) {
  if (name == "security.capability") return true;
  for (std::string_view prefix : {"security.", "system.", "trusted.overlay.", "user.overlay."}) {
    if (name.starts_with(prefix)) return false;
  }
  return true;
}

Status Write(const Target& target, const std::vector<Xattr>& xattrs, const std::string& where) {
  for (const Xattr& xattr : xattrs) {
    if (target.Set(xattr.name.c_str(), xattr.value) == 0) continue;
    // user.* is for files and directories alone, and not every file system has it.
    bool user = xattr.name.starts_with("user.");
    if (user && (IsUnsupported(errno) || errno == EPERM)) continue;
    return Error::FromErrno("setxattr", where);
  }
  return Unit{};
}

}  // namespace

bool IsImageXattr(std::string_view name) {
  if (name == "security.capability") return true;
  return name.starts_with("user.") && !name.starts_with("user.overlay.");
}

Result<std::vector<Xattr>> ReadImageXattrs(int fd, const std::string& path_for_errors) {
  return Read({fd, nullptr}, IsImageXattr, path_for_errors);
}

Result<std::vector<Xattr>> ReadImageXattrsByPath(const std::string& path) {
  return Read({-1, path.c_str()}, IsImageXattr, path);
}

Result<std::vector<Xattr>> ReadContentXattrs(int fd, const std::string& path_for_errors) {
  return Read({fd, nullptr}, IsContentXattr, path_for_errors);
}

Result<std::vector<Xattr>> ReadContentXattrsByPath(const std::string& path) {
  return Read({-1, path.c_str()}, IsContentXattr, path);
}

Status WriteXattrs(int fd, const std::vector<Xattr>& xattrs, const std::string& path_for_errors) {
  return Write({fd, nullptr}, xattrs, path_for_errors);
}

Status WriteXattrsByPath(const std::string& path, const std::vector<Xattr>& xattrs, const std::string& path_for_errors) {
  return Write({-1, path.c_str()}, xattrs, path_for_errors);
}

std::string ProcPath(int directory, std::string_view name) {
  std::string path = "/proc/self/fd/" + std::to_string(directory) + "/";
  path.append(name);
  return path;
}

Result<OverlayMarks> ReadOverlayMarks(int fd, const std::string& path_for_errors) {
  OverlayMarks marks;
  // One call answers for nearly every directory: it has no attributes at all.
  char names[4096];
  ssize_t size = flistxattr(fd, names, sizeof(names));
  if (size < 0 && IsUnsupported(errno)) return marks;
  if (size == 0) return marks;
  if (size < 0 && errno != ERANGE) return Error::FromErrno("listxattr", path_for_errors);
  // Only the kind that the kernel honours here: the other is an attribute like any, which a step may have set.
  std::string prefix = InUserNamespace() ? "user.overlay." : "trusted.overlay.";
  char value[4];
  ssize_t length = fgetxattr(fd, (prefix + "opaque").c_str(), value, sizeof(value));
  marks.opaque = length == 1 && value[0] == 'y';
  length = fgetxattr(fd, (prefix + "redirect").c_str(), nullptr, 0);
  marks.redirected = length > 0;
  return marks;
}

Status MarkOpaque(int fd, const std::string& path_for_errors) {
  if (fsetxattr(fd, "trusted.overlay.opaque", "y", 1, 0) == 0) return Unit{};
  if (errno != EPERM) return Error::FromErrno("setxattr", path_for_errors);
  if (fsetxattr(fd, "user.overlay.opaque", "y", 1, 0) == 0) return Unit{};
  return Error::FromErrno("setxattr", path_for_errors);
}

}  // namespace tsbuild
