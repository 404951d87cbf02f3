#include "cgroup/hierarchy.h"

#include <linux/magic.h>
#include <sys/vfs.h>

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

}  // namespace tsbuild
