#include "cgroup/hierarchy.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/unique_fd.h"

namespace tsbuild {

namespace {

bool IsFileSystem(const char* path, long magic) {
  struct statfs info;
  return statfs(path, &info) == 0 && info.f_type == magic;
}

}  // namespace

CgroupHierarchy DetectCgroupHierarchy() {
  if (IsFileSystem("/sys/fs/cgroup", CGROUP2_SUPER_MAGIC)) return CgroupHierarchy::kV2;
  if (!IsFileSystem("/sys/fs/cgroup", TMPFS_MAGIC)) return CgroupHierarchy::kNone;
  if (IsFileSystem("/sys/fs/cgroup/unified", CGROUP2_SUPER_MAGIC)) return CgroupHierarchy::kHybrid;
  return CgroupHierarchy::kV1;
}

std::string ReadSmallFile(const std::string& path) {
  UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string content;
  char buffer[4096];
  ssize_t length;
  while (file && content.size() < (1 << 20) && (length = read(file.get(), buffer, sizeof buffer)) > 0) {
    content.append(buffer, static_cast<size_t>(length));
  }
  return content;
}

std::string OwnCgroup(const std::string& controller) {
  std::string groups = ReadSmallFile("/proc/self/cgroup");
  std::string key = ":" + controller + ":";
  size_t at = groups.find(key);
  if (at == std::string::npos) return {};
  at += key.size();
  std::string path = groups.substr(at, groups.find('\n', at) - at);
  return path == "/" ? std::string() : path;
}

}  // namespace tsbuild
