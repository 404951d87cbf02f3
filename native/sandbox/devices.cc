#include "sandbox/devices.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "mount/mount_api.h"
#include "sandbox/in_root.h"

namespace tsbuild {

namespace {

constexpr struct {
  const char* name;
  unsigned major, minor;
} kDevices[] = {{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}};

constexpr const char* kLinks[][2] = {{"/proc/self/fd", "fd"},       {"/proc/self/fd/0", "stdin"},
                                     {"/proc/self/fd/1", "stdout"}, {"/proc/self/fd/2", "stderr"},
                                     {"/proc/kcore", "core"},       {"pts/ptmx", "ptmx"}};

// An empty file that carries a mount of the device `source` in `directory`.
Status BindDevice(const UniqueFd& dev, const char* name, int directory, const std::string& source) {
  UniqueFd file(openat(dev.get(), name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666));
  if (!file) return Error::FromErrno("open", name);
  std::string path = std::string("/dev/") + name;
  auto device = CloneTree(directory, source);
  if (!device.ok()) return device.error();
  UniqueFd target(openat(dev.get(), name, O_PATH | O_CLOEXEC));
  if (!target) return Error::FromErrno("open", path);
  return AttachAt(*device, target.get(), path);
}

Status MountBelow(const UniqueFd& dev, const char* name, const char* type, const std::vector<std::string>& options,
                  unsigned flags) {
  auto mount = NewMount(type, options, flags);
  if (!mount.ok()) return mount.error();
  if (mkdirat(dev.get(), name, 0755) < 0) return Error::FromErrno("mkdir", name);
  UniqueFd target(openat(dev.get(), name, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!target) return Error::FromErrno("open", name);
  return AttachAt(*mount, target.get(), name);
}

// A tmpfs at /dev. Mode 755: in a sticky directory that all may write, O_CREAT on somebody else's device is refused in a user
// namespace. Attached first: older kernels refuse mounts on what is not attached, and copies of it.
Result<UniqueFd> MountTmpfs(const UniqueFd& target, unsigned flags) {
  auto dev = NewMount("tmpfs", {"mode=755", "size=65536k"}, MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME | flags);
  if (!dev.ok()) return dev.error();
  TSB_TRY(AttachAt(*dev, target.get(), "/dev"));
  return dev;
}

Status MakeDevices(const UniqueFd& dev, const UniqueFd& nodes) {
  for (const auto& device : kDevices) {
    if (mknodat(nodes.get(), device.name, S_IFCHR | 0666, makedev(device.major, device.minor)) == 0) {
      if (nodes.get() != dev.get()) TSB_TRY(BindDevice(dev, device.name, nodes.get(), device.name));
      continue;
    }
    // A user namespace may make no devices: the host's then.
    if (errno != EPERM) return Error::FromErrno("mknod", std::string("/dev/") + device.name);
    TSB_TRY(BindDevice(dev, device.name, AT_FDCWD, std::string("/dev/") + device.name));
  }
  return Unit{};
}

}  // namespace

Result<UniqueFd> MountDev(const UniqueFd& root, DeviceAccess access) {
  // As /proc and /sys, it stays in the image where it had to be made.
  auto target = OpenOrMake(root.get(), "/dev", {});
  if (!target.ok()) return target.error();
  // The nodes that may be opened lie on a file system of their own where others may not: hidden below /dev, and mounted into
  // it one by one.
  Result<UniqueFd> nodes = UniqueFd();
  bool apart = access == DeviceAccess::kOursOnly;
  if (apart) nodes = MountTmpfs(*target, 0);
  if (!nodes.ok()) return nodes;
  auto dev = MountTmpfs(*target, apart ? MOUNT_ATTR_NODEV : 0);
  if (!dev.ok()) return dev;
  TSB_TRY(MakeDevices(*dev, apart ? *nodes : *dev));
  for (const auto& [goal, name] : kLinks) {
    if (symlinkat(goal, dev->get(), name) < 0) return Error::FromErrno("symlink", std::string("/dev/") + name);
  }
  constexpr unsigned kNoPrograms = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
  Status terminals =
      MountBelow(*dev, "pts", "devpts", {"newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}, kNoPrograms);
  if (!terminals.ok() && terminals.error().error_number == EINVAL) {
    // Group 5 (tty) is not mapped in this user namespace.
    terminals = MountBelow(*dev, "pts", "devpts", {"newinstance", "ptmxmode=0666", "mode=0620"}, kNoPrograms);
  }
  TSB_TRY(std::move(terminals));
  TSB_TRY(MountBelow(*dev, "shm", "tmpfs", {"mode=1777", "size=65536k"}, kNoPrograms | MOUNT_ATTR_NODEV));
  Status queues = MountBelow(*dev, "mqueue", "mqueue", {}, kNoPrograms | MOUNT_ATTR_NODEV);
  // A kernel without POSIX message queues does not know the type.
  if (!queues.ok() && queues.error().error_number != ENODEV) return queues.error();
  return OpenInRoot(dev->get(), "null", O_PATH);
}

}  // namespace tsbuild
