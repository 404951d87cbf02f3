#include "sandbox/device_nodes.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>

#include "mount/mount_api.h"
#include "sandbox/in_root.h"
#include "sandbox/mounts.h"

namespace tsbuild {

namespace {

Result<UniqueFd> MakeNode(const SandboxSpec::Device& device, const Identity& identity, Staging& staging) {
  uid_t uid = device.uid == SandboxSpec::kStepOwner ? identity.uid : device.uid;
  gid_t gid = device.gid == SandboxSpec::kStepOwner ? identity.gid : device.gid;
  auto node = staging.MakeNode(device.type | device.mode, makedev(device.major, device.minor), uid, gid);
  // A user namespace may make no devices: the host's own then, with the mode and owner that it has.
  if (!node.ok() && node.error().error_number == EPERM) return CloneTree(AT_FDCWD, device.host_path);
  return node;
}

}  // namespace

Status MountDeviceNodes(const SandboxSpec& spec, const Identity& identity, const UniqueFd& root, Staging& staging,
                        Stubs& stubs) {
  for (const SandboxSpec::Device& device : spec.devices) {
    if (IsInKernelTree(device.target)) {
      return Error::Own("SANDBOX_MOUNT_TARGET", "no device can be in /proc or /sys", device.target);
    }
    auto node = MakeNode(device, identity, staging);
    if (!node.ok()) return node.error();
    TSB_TRY(SetMountFlags(*node, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, false));
    auto target = OpenOrMake(root.get(), device.target, {.kind = NodeKind::kFile, .stubs = &stubs});
    if (!target.ok()) return target.error();
    TSB_TRY(AttachAt(*node, target->get(), device.target));
  }
  return Unit{};
}

}  // namespace tsbuild
