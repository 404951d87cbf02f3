#include "sandbox/secret_files.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "mount/mount_api.h"

namespace tsbuild {

namespace {

constexpr unsigned kQuiet = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

}  // namespace

Status SecretFiles::MountFileSystem() {
  auto files = NewMount("tmpfs", {"mode=700", "noswap"}, kQuiet);
  // Before Linux 6.4 and in user namespaces; a ramfs is never swapped, and has no bound of its own.
  if (!files.ok()) files = NewMount("ramfs", {"mode=700"}, kQuiet);
  if (!files.ok()) return files.error();
  // Attached, because older kernels copy no mounts that are not.
  auto place = staging_.MakeDirectory();
  if (!place.ok()) return place.error();
  TSB_TRY(Attach(*files, *place));
  files_ = std::move(*files);
  return Unit{};
}

Result<UniqueFd> SecretFiles::Make(const SandboxSpec::Mount& mount) {
  if (!files_) TSB_TRY(MountFileSystem());
  std::string name = std::to_string(count_++);
  UniqueFd file(openat(files_.get(), name.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));
  if (!file) return Error::FromErrno("open", mount.target);
  for (size_t at = 0; at < mount.content.size();) {
    ssize_t written = write(file.get(), mount.content.data() + at, mount.content.size() - at);
    if (written < 0) return Error::FromErrno("write", mount.target);
    at += static_cast<size_t>(written);
  }
  if (fchown(file.get(), mount.uid, mount.gid) < 0) return Error::FromErrno("chown", mount.target);
  if (fchmod(file.get(), mount.mode & 0777) < 0) return Error::FromErrno("chmod", mount.target);
  file.reset();
  auto tree = CloneTree(files_.get(), name);
  if (!tree.ok()) return tree;
  TSB_TRY(SetMountFlags(*tree, MOUNT_ATTR_RDONLY | kQuiet, false));
  return tree;
}

}  // namespace tsbuild
