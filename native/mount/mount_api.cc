#include "mount/mount_api.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

namespace tsbuild {

Error ContextError(const UniqueFd& context, std::string syscall, std::string path) {
  Error error = Error::FromErrno(std::move(syscall), std::move(path));
  // Each read gives one message, "e overlay: …"; the last one is the reason.
  char line[512];
  ssize_t length;
  while ((length = read(context.get(), line, sizeof line)) > 0) {
    if (length > 2) error.message.assign(line + 2, static_cast<size_t>(length) - 2);
  }
  while (!error.message.empty() && error.message.back() == '\n') error.message.pop_back();
  return error;
}

Status Attach(const UniqueFd& mount, const std::string& target) {
  if (move_mount(mount.get(), "", AT_FDCWD, target.c_str(), MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS) < 0) {
    return Error::FromErrno("move_mount", target);
  }
  return Unit{};
}

Status AttachAt(const UniqueFd& mount, int target_fd, const std::string& name) {
  if (move_mount(mount.get(), "", target_fd, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0) {
    return Error::FromErrno("move_mount", name);
  }
  return Unit{};
}

Result<UniqueFd> CloneTree(int directory_fd, const std::string& path) {
  unsigned int flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | (path.empty() ? AT_EMPTY_PATH : 0);
  UniqueFd tree(open_tree(directory_fd, path.c_str(), flags));
  if (!tree) return Error::FromErrno("open_tree", path);
  return tree;
}

Status SetMountFlags(const UniqueFd& mount, unsigned long long flags, bool recursive) {
  struct mount_attr attributes = {};
  attributes.attr_set = flags;
  if (mount_setattr(mount.get(), "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attributes, sizeof attributes) < 0) {
    return Error::FromErrno("mount_setattr");
  }
  return Unit{};
}

Result<UniqueFd> NewMount(const char* type, const std::vector<std::string>& options, unsigned int flags) {
  UniqueFd context(fsopen(type, FSOPEN_CLOEXEC));
  if (!context) return Error::FromErrno("fsopen", type);
  fsconfig(context.get(), FSCONFIG_SET_STRING, "source", type, 0);  // only for people who read /proc/mounts
  for (const std::string& option : options) {
    size_t equals = option.find('=');
    int set = equals == std::string::npos
                  ? fsconfig(context.get(), FSCONFIG_SET_FLAG, option.c_str(), nullptr, 0)
                  : fsconfig(context.get(), FSCONFIG_SET_STRING, option.substr(0, equals).c_str(),
                             option.c_str() + equals + 1, 0);
    if (set < 0) return ContextError(context, "fsconfig " + option, type);
  }
  if (fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0) {
    return ContextError(context, std::string("mount ") + type, type);
  }
  UniqueFd mount(fsmount(context.get(), FSMOUNT_CLOEXEC, flags));
  if (!mount) return ContextError(context, "fsmount", type);
  return mount;
}

}  // namespace tsbuild
