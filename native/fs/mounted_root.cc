#include "fs/mounted_root.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdlib>

#include "fs/remove_tree.h"
#include "mount/private_namespace.h"

namespace tsbuild {

namespace {

Result<UniqueFd> OpenDirectory(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return Error::FromErrno("open", path);
  return fd;
}

Result<UniqueFd> OpenMounted(const RootMount& root) {
  // A thread works for one job and ends with it, so entering twice for two trees costs a little and is right.
  TSB_TRY(EnterPrivateMountNamespace());
  const char* base = getenv("TMPDIR");
  std::string target = std::string(base == nullptr || *base == '\0' ? "/tmp" : base) + "/tsbuild-mount-XXXXXX";
  if (mkdtemp(target.data()) == nullptr) return Error::FromErrno("mkdtemp", target);
  Status mounted = MountRoot(root, target, !root.upper.empty());
  Result<UniqueFd> opened = mounted.ok() ? OpenDirectory(target) : Result<UniqueFd>(std::move(mounted.error()));
  // Nested overlays lie upon each other at the same point.
  while (umount2(target.c_str(), MNT_DETACH) == 0) {
  }
  rmdir(target.c_str());
  return opened;
}

}  // namespace

Result<UniqueFd> OpenRoot(const RootMount& root) {
  if (root.lowers.empty() && !root.upper.empty()) return OpenDirectory(root.upper);
  if (root.upper.empty() && root.lowers.size() == 1) return OpenDirectory(root.lowers.front());
  return OpenMounted(root);
}

void ReleaseWork(const RootMount& root) {
  if (root.work.empty()) return;
  // The kernel's mark of a volatile mount lies in there. What cannot be removed is found by the next mount.
  (void)RemoveTree({root.work + "/work"}).ok();
}

}  // namespace tsbuild
