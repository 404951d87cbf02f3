#include "sandbox/mounts.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cstdio>

#include "mount/mount_api.h"
#include "sandbox/in_root.h"
#include "sandbox/secret_files.h"

namespace tsbuild {

namespace {

Result<UniqueFd> OpenTree(const SandboxSpec::Mount& mount, Staging& staging, DeviceAccess access) {
  auto place = staging.MakeDirectory();
  if (!place.ok()) return place.error();
  TSB_TRY(MountRoot(mount.tree, *place));
  UniqueFd top(open(place->c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!top) return Error::FromErrno("open", mount.target);
  auto chosen = OpenInRoot(top.get(), mount.selector.empty() ? "/" : mount.selector, O_PATH);
  if (!chosen.ok()) {
    // The path alone would read as one inside the container.
    chosen.error().message = "source of the mount at " + mount.target;
    return chosen.error();
  }
  auto tree = CloneTree(chosen->get(), "");
  if (!tree.ok()) return tree.error();
  unsigned flags = (mount.read_only ? MOUNT_ATTR_RDONLY : 0) | mount.attributes |
                   (access == DeviceAccess::kOursOnly ? MOUNT_ATTR_NODEV : 0);
  if (flags != 0) TSB_TRY(SetMountFlags(*tree, flags, true));
  return tree;
}

Result<UniqueFd> NewTmpfs(const SandboxSpec::Mount& mount) {
  char mode[16];
  snprintf(mode, sizeof mode, "mode=%o", mount.mode & 07777);
  std::vector<std::string> options = {mode};
  if (mount.size_bytes != 0) options.push_back("size=" + std::to_string(mount.size_bytes));
  return NewMount("tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (mount.read_only ? MOUNT_ATTR_RDONLY : 0));
}

Result<UniqueFd> OpenSource(const SandboxSpec::Mount& mount, Staging& staging, DeviceAccess access, SecretFiles& secrets) {
  switch (mount.kind) {
    case SandboxSpec::MountKind::kTree:
      return OpenTree(mount, staging, access);
    case SandboxSpec::MountKind::kSecret:
      return secrets.Make(mount);
    case SandboxSpec::MountKind::kTmpfs:
      return NewTmpfs(mount);
  }
  return Error::Own("SANDBOX_PROTOCOL", "a mount of an unknown kind", mount.target);
}

bool IsDirectory(const UniqueFd& fd) {
  struct stat info;
  return fstatat(fd.get(), "", &info, AT_EMPTY_PATH) == 0 && S_ISDIR(info.st_mode);
}

}  // namespace

bool IsInKernelTree(const std::string& target) {
  for (const char* tree : {"/proc", "/sys"}) {
    std::string prefix = tree;
    if (target == prefix || target.starts_with(prefix + "/")) return true;
  }
  return false;
}

Status MountFiles(const SandboxSpec& spec, const UniqueFd& root, Staging& staging, Stubs& stubs) {
  for (const SandboxSpec::File& file : spec.files) {
    auto source = staging.MakeFile(file.content);
    if (!source.ok()) return source.error();
    TSB_TRY(SetMountFlags(*source, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, false));
    auto target = OpenOrMake(root.get(), file.target, {.kind = NodeKind::kFile, .stubs = &stubs});
    if (!target.ok()) return target.error();
    TSB_TRY(AttachAt(*source, target->get(), file.target));
  }
  return Unit{};
}

Status MountExtras(const SandboxSpec& spec, const UniqueFd& root, Staging& staging, DeviceAccess access, Stubs& stubs) {
  SecretFiles secrets(staging);
  for (const SandboxSpec::Mount& mount : spec.mounts) {
    if (IsInKernelTree(mount.target)) {
      return Error::Own("SANDBOX_MOUNT_TARGET", "nothing can be mounted in /proc or /sys", mount.target);
    }
    auto source = OpenSource(mount, staging, access, secrets);
    if (!source.ok()) return source.error();
    NodeKind kind = IsDirectory(*source) ? NodeKind::kDirectory : NodeKind::kFile;
    auto target = OpenOrMake(root.get(), mount.target, {.kind = kind, .stubs = &stubs});
    if (!target.ok()) return target.error();
    if (mount.kind == SandboxSpec::MountKind::kSecret && IsDirectory(*target)) {
      return Error::Own("SANDBOX_MOUNT_TARGET", "a secret is a file, and the image has a directory there", mount.target);
    }
    TSB_TRY(AttachAt(*source, target->get(), mount.target));
  }
  return Unit{};
}

}  // namespace tsbuild
