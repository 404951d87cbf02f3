#include "sandbox/rootfs.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mount/mount_api.h"
#include "mount/root_mount.h"

namespace tsbuild {

Result<Staging> Staging::Create() {
  auto mount = NewMount("tmpfs", {"mode=700"}, 0);
  if (!mount.ok()) return mount.error();
  TSB_TRY(Attach(*mount, "/"));
  return Staging(std::move(*mount));
}

Result<std::string> Staging::MakeDirectory() {
  std::string name = std::to_string(count_++);
  if (mkdirat(directory_.get(), name.c_str(), 0755) < 0) return Error::FromErrno("mkdir", "staging directory");
  return "/proc/self/fd/" + std::to_string(directory_.get()) + "/" + name;
}

Result<UniqueFd> Staging::MakeFile(const std::string& content) {
  std::string name = std::to_string(count_++);
  UniqueFd file(openat(directory_.get(), name.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644));
  if (!file) return Error::FromErrno("open", "staging file");
  for (size_t at = 0; at < content.size();) {
    ssize_t written = write(file.get(), content.data() + at, content.size() - at);
    if (written < 0) return Error::FromErrno("write", "staging file");
    at += static_cast<size_t>(written);
  }
  return CloneTree(directory_.get(), name);
}

Result<UniqueFd> Staging::MakeNode(mode_t mode, dev_t device, uid_t uid, gid_t gid) {
  std::string name = std::to_string(count_++);
  if (mknodat(directory_.get(), name.c_str(), mode, device) < 0) return Error::FromErrno("mknod", "staging node");
  if (fchownat(directory_.get(), name.c_str(), uid, gid, AT_SYMLINK_NOFOLLOW) < 0) {
    return Error::FromErrno("chown", "staging node");
  }
  return CloneTree(directory_.get(), name);
}

Result<UniqueFd> MountRootfs(const SandboxSpec& spec, Staging& staging, DeviceAccess access) {
  auto target = staging.MakeDirectory();
  if (!target.ok()) return target.error();
  TSB_TRY(MountRoot(spec.root, *target, spec.volatile_root));
  UniqueFd root(open(target->c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) return Error::FromErrno("open", "root of the container");
  if (access == DeviceAccess::kOursOnly) TSB_TRY(SetMountFlags(root, MOUNT_ATTR_NODEV, true));
  return root;
}

Status PivotInto(const UniqueFd& root) {
  if (fchdir(root.get()) < 0) return Error::FromErrno("fchdir", "root of the container");
  // With the same directory twice the old root ends up mounted on the new one, from where it is taken off at once: no
  // directory of the image is needed to hold it. (A machine that runs from its initramfs cannot pivot. Moving the mount over
  // "/" would look the same, but a process that may chroot could climb out of it.)
  if (syscall(SYS_pivot_root, ".", ".") < 0) return Error::FromErrno("pivot_root", "/");
  // Twice: what lies uppermost is the staging area, which covers the old root.
  for (const char* what : {"staging area", "old root"}) {
    if (umount2(".", MNT_DETACH) < 0) return Error::FromErrno("umount", what);
  }
  if (chdir("/") < 0) return Error::FromErrno("chdir", "/");
  return Unit{};
}

}  // namespace tsbuild
