#include "mount/root_mount.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <iterator>

#include "mount/mount_api.h"
#include "mount/overlay.h"

namespace tsbuild {

namespace {

Status MountDirectory(const std::string& path, bool read_only, const std::string& target) {
  auto tree = CloneTree(AT_FDCWD, path);
  if (!tree.ok()) return tree.error();
  if (read_only) TSB_TRY(SetMountFlags(*tree, MOUNT_ATTR_RDONLY, true));
  return Attach(*tree, target);
}

Status MountEmpty(const std::string& target) {
  auto empty = NewMount("tmpfs", {"size=4k", "mode=755"}, MOUNT_ATTR_RDONLY);
  if (!empty.ok()) return empty.error();
  return Attach(*empty, target);
}

// More lowers than one overlay takes: the *bottom* ones become an overlay of their own, which then is the lowest lower.
// (Any other grouping would lose whiteouts, since a merged view does not show them.) The kernel stacks overlays twice.
Status MountNested(const RootMount& root, const std::string& target, bool volatile_upper) {
  constexpr size_t kUpperGroup = kMaxOverlayLowers - 1;
  if (root.lowers.size() > kUpperGroup + kMaxOverlayLowers) {
    return Error::Own("MOUNT_TOO_MANY_LAYERS", std::to_string(root.lowers.size()) +
                                                   " layers are too many to mount as one tree; at most " +
                                                   std::to_string(kUpperGroup + kMaxOverlayLowers) + " are possible");
  }
  auto middle = root.lowers.begin() + kUpperGroup;
  RootMount bottom{.lowers = {middle, root.lowers.end()}, .upper = {}, .work = {}};
  // Attached first at the very target, since a lower must be attached somewhere while the overlay above is made. It stays
  // there, hidden under the final mount, and goes with the namespace.
  if (bottom.lowers.size() == 1) {
    TSB_TRY(MountDirectory(bottom.lowers.front(), true, target));
  } else {
    TSB_TRY(MountOverlay(bottom, target, false));
  }
  UniqueFd below(open(target.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!below) return Error::FromErrno("open", target);
  RootMount top{.lowers = {root.lowers.begin(), middle}, .upper = root.upper, .work = root.work};
  top.lowers.push_back("/proc/self/fd/" + std::to_string(below.get()));
  return MountOverlay(top, target, volatile_upper);
}

}  // namespace

Status MountRoot(const RootMount& root, const std::string& target, bool volatile_upper) {
  if (root.lowers.empty()) {
    return root.upper.empty() ? MountEmpty(target) : MountDirectory(root.upper, false, target);
  }
  if (root.upper.empty() && root.lowers.size() == 1) return MountDirectory(root.lowers.front(), true, target);
  if (root.lowers.size() > kMaxOverlayLowers) return MountNested(root, target, volatile_upper);
  return MountOverlay(root, target, volatile_upper);
}

}  // namespace tsbuild
