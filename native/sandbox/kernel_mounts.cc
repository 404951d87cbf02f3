#include "sandbox/kernel_mounts.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup/hierarchy.h"
#include "mount/mount_api.h"
#include "sandbox/cgroup_v1.h"
#include "sandbox/in_root.h"

namespace tsbuild {

namespace {

constexpr unsigned kQuiet = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

// What tells of the host or its hardware, or lets one act on them.
constexpr const char* kMasked[] = {
    "/proc/acpi",       "/proc/asound",     "/proc/interrupts",  "/proc/kcore", "/proc/keys",    "/proc/latency_stats",
    "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi",  "/sys/firmware", "/sys/devices/virtual/powercap",
};
constexpr const char* kReadOnly[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};

// One that had to be made stays in the image, unlike all other mount points: images of every other builder have it too.
Result<UniqueFd> OpenMountPoint(const UniqueFd& root, const char* path) {
  auto directory = OpenInRoot(root.get(), path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  if (directory.ok()) return directory;
  if (directory.error().error_number == ENOENT) return OpenOrMake(root.get(), path, {});
  if (directory.error().error_number == ENOTDIR || directory.error().error_number == ELOOP) {
    return Error::Own("SANDBOX_MOUNT_TARGET", "the image has something other than a directory there", path);
  }
  return directory;
}

// A copy of what the host has mounted, for where the kernel lets us make no new one.
Status BindFromHost(const char* path, const UniqueFd& target, bool read_only) {
  auto tree = CloneTree(AT_FDCWD, path);
  if (!tree.ok()) return tree.error();
  if (read_only) TSB_TRY(SetMountFlags(*tree, MOUNT_ATTR_RDONLY, true));
  return AttachAt(*tree, target.get(), path);
}

}  // namespace

Result<KernelMountPoints> OpenKernelMountPoints(const UniqueFd& root) {
  KernelMountPoints points;
  auto proc = OpenMountPoint(root, "/proc");
  if (!proc.ok()) return proc.error();
  points.proc = std::move(*proc);
  auto sys = OpenMountPoint(root, "/sys");
  if (!sys.ok()) return sys.error();
  points.sys = std::move(*sys);
  return points;
}

Status MountSys(KernelMountPoints& points, bool writable) {
  unsigned flags = kQuiet | (writable ? 0 : MOUNT_ATTR_RDONLY);
  auto sys = NewMount("sysfs", {}, flags);
  if (!sys.ok()) {
    // Without a network namespace of its own, a user namespace gets no sysfs.
    if (sys.error().error_number != EPERM) return sys.error();
    return BindFromHost("/sys", points.sys, !writable);
  }
  TSB_TRY(AttachAt(*sys, points.sys.get(), "/sys"));
  if (DetectCgroupHierarchy() == CgroupHierarchy::kNone) return Unit{};
  points.cgroup.reset(openat(sys->get(), "fs/cgroup", O_PATH | O_DIRECTORY | O_CLOEXEC));
  return Unit{};
}

Status MountCgroup(const KernelMountPoints& points, bool writable) {
  // Missing in small kernels, and of little weight.
  bool own_namespace = unshare(CLONE_NEWCGROUP) == 0;
  if (!points.cgroup) return Unit{};
  CgroupHierarchy hierarchy = DetectCgroupHierarchy();
  if (hierarchy != CgroupHierarchy::kV2) {
    if (own_namespace) MountCgroupV1(points.cgroup, hierarchy == CgroupHierarchy::kHybrid, writable);
    return Unit{};
  }
  auto cgroup = NewMount("cgroup2", {}, kQuiet | (writable ? 0 : MOUNT_ATTR_RDONLY));
  // Programs that size themselves by it do well without.
  if (!cgroup.ok()) return Unit{};
  return AttachAt(*cgroup, points.cgroup.get(), "/sys/fs/cgroup");
}

Status MountProc(const KernelMountPoints& points) {
  auto proc = NewMount("proc", {}, kQuiet);
  if (!proc.ok()) {
    // Inside another container parts of /proc are hidden, and the kernel shows no new one that hides less.
    if (proc.error().error_number != EPERM) return proc.error();
    return BindFromHost("/proc", points.proc, false);
  }
  return AttachAt(*proc, points.proc.get(), "/proc");
}

Status MaskKernelPaths(const UniqueFd& null) {
  UniqueFd root(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) return Error::FromErrno("open", "/");
  UniqueFd empty;
  for (const char* path : kMasked) {
    auto target = OpenInRoot(root.get(), path, O_PATH);
    if (!target.ok()) continue;
    struct stat info;
    if (fstatat(target->get(), "", &info, AT_EMPTY_PATH) < 0) return Error::FromErrno("stat", path);
    if (!S_ISDIR(info.st_mode)) {
      auto cover = CloneTree(null.get(), "");
      if (!cover.ok()) return cover.error();
      TSB_TRY(AttachAt(*cover, target->get(), path));
      continue;
    }
    // One empty file system serves all directories; each gets a mount of it.
    if (!empty) {
      auto made = NewMount("tmpfs", {"size=4k", "mode=755"}, kQuiet | MOUNT_ATTR_RDONLY);
      if (!made.ok()) return made.error();
      TSB_TRY(AttachAt(*made, target->get(), path));
      empty = std::move(*made);
      continue;
    }
    auto copy = CloneTree(empty.get(), "");
    if (!copy.ok()) return copy.error();
    TSB_TRY(AttachAt(*copy, target->get(), path));
  }
  for (const char* path : kReadOnly) {
    auto target = OpenInRoot(root.get(), path, O_PATH);
    if (!target.ok()) continue;
    auto copy = CloneTree(target->get(), "");
    if (!copy.ok()) return copy.error();
    TSB_TRY(SetMountFlags(*copy, MOUNT_ATTR_RDONLY, true));
    TSB_TRY(AttachAt(*copy, target->get(), path));
  }
  return Unit{};
}

}  // namespace tsbuild
