#include "mount/overlay.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "mount/mount_api.h"
#include "mount/user_namespace.h"

namespace tsbuild {

namespace {

// fsconfig copies at most 256 bytes of a value.
constexpr size_t kMaxConfigValue = 255;

// A name for a directory that fits into fsconfig: the path, or a magic link to an fd that `opened` keeps.
Result<std::string> ShortName(const std::string& path, std::vector<UniqueFd>& opened) {
  if (path.size() <= kMaxConfigValue) return path;
  UniqueFd fd(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return Error::FromErrno("open", path);
  std::string name = "/proc/self/fd/" + std::to_string(fd.get());
  opened.push_back(std::move(fd));
  return name;
}

Status SetDirectory(const UniqueFd& context, const char* key, const std::string& path, std::vector<UniqueFd>& opened) {
  auto name = ShortName(path, opened);
  if (!name.ok()) return name.error();
  if (fsconfig(context.get(), FSCONFIG_SET_STRING, key, name->c_str(), 0) < 0) {
    return ContextError(context, std::string("fsconfig ") + key, path);
  }
  return Unit{};
}

// How kernels before 6.7 say that they do not take lowers one by one.
bool IsMissingFeature(const Error& error) { return error.error_number == EINVAL || error.error_number == ENOSYS; }

}  // namespace

Status MountOverlay(const RootMount& root, const std::string& target, bool volatile_upper) {
  UniqueFd context(fsopen("overlay", FSOPEN_CLOEXEC));
  if (!context) {
    Error error = Error::FromErrno("fsopen", "overlay");
    return IsMissingFeature(error) ? MountOverlayByPage(root, target, volatile_upper) : error;
  }
  fsconfig(context.get(), FSCONFIG_SET_STRING, "source", "overlay", 0);  // only for people who read /proc/mounts
  std::vector<UniqueFd> opened;
  for (const std::string& lower : root.lowers) {
    Status set = SetDirectory(context, "lowerdir+", lower, opened);
    if (set.ok()) continue;
    // A kernel that has `lowerdir+` and dislikes the path gives the same answer through mount(2), with its own words.
    return IsMissingFeature(set.error()) ? MountOverlayByPage(root, target, volatile_upper) : std::move(set);
  }
  if (!root.upper.empty()) {
    TSB_TRY(SetDirectory(context, "upperdir", root.upper, opened));
    TSB_TRY(SetDirectory(context, "workdir", root.work, opened));
  }
  // Distributions differ in these defaults, and a diff read from the upper directory is wrong with any of them on.
  // `nofollow` is `off` that also ignores redirects which somebody left in a layer; a kernel may lack an option.
  static constexpr const char* kOff[][2] = {
      {"redirect_dir", "nofollow"}, {"metacopy", "off"}, {"index", "off"}, {"xino", "off"}};
  for (const auto& [key, value] : kOff) fsconfig(context.get(), FSCONFIG_SET_STRING, key, value, 0);
  // Outside the initial user namespace nobody may write trusted.* attributes.
  if (InUserNamespace() && fsconfig(context.get(), FSCONFIG_SET_FLAG, "userxattr", nullptr, 0) < 0) {
    return ContextError(context, "fsconfig userxattr", "overlay");
  }
  if (volatile_upper && !root.upper.empty()) fsconfig(context.get(), FSCONFIG_SET_FLAG, "volatile", nullptr, 0);

  if (fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0) {
    Error error = ContextError(context, "mount overlay", root.upper.empty() ? root.lowers.front() : root.upper);
    // Kernels 5.2 to 6.4 take any key and complain only now.
    return error.error_number == EINVAL && error.message.empty() ? MountOverlayByPage(root, target, volatile_upper)
                                                                 : error;
  }
  UniqueFd mount(fsmount(context.get(), FSMOUNT_CLOEXEC, root.upper.empty() ? MOUNT_ATTR_RDONLY : 0));
  if (!mount) return ContextError(context, "fsmount", "overlay");
  return Attach(mount, target);
}

Status MountOverlayByPage(const RootMount& root, const std::string& target, bool volatile_upper) {
  // All options must fit into one page, where ':' ',' and '\' are special. Bare fd numbers, seen from /proc/self/fd, are
  // both short and plain. Only this thread may change directory, so it stops sharing that with the others.
  if (unshare(CLONE_FS) < 0) return Error::FromErrno("unshare", "CLONE_FS");
  UniqueFd before(open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!before) return Error::FromErrno("open", ".");
  std::vector<UniqueFd> opened;
  auto name = [&opened](const std::string& path) -> Result<std::string> {
    UniqueFd fd(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!fd) return Error::FromErrno("open", path);
    std::string text = std::to_string(fd.get());
    opened.push_back(std::move(fd));
    return text;
  };
  std::string options = InUserNamespace() ? "userxattr,redirect_dir=nofollow" : "redirect_dir=nofollow";
  options += ",metacopy=off,index=off,xino=off,lowerdir=";
  for (size_t i = 0; i < root.lowers.size(); i++) {
    auto lower = name(root.lowers[i]);
    if (!lower.ok()) return lower.error();
    if (i > 0) options += ':';
    options += *lower;
  }
  if (!root.upper.empty()) {
    auto upper = name(root.upper);
    if (!upper.ok()) return upper.error();
    auto work = name(root.work);
    if (!work.ok()) return work.error();
    options += ",upperdir=" + *upper + ",workdir=" + *work;
    if (volatile_upper) options += ",volatile";
  }
  if (options.size() >= static_cast<size_t>(sysconf(_SC_PAGESIZE))) {
    return Error::Own("MOUNT_TOO_MANY_LAYERS",
                      std::to_string(root.lowers.size()) + " layers are more than this kernel can mount as one tree");
  }
  if (chdir("/proc/self/fd") < 0) return Error::FromErrno("chdir", "/proc/self/fd");
  int result = mount("overlay", target.c_str(), "overlay", root.upper.empty() ? MS_RDONLY : 0, options.c_str());
  Error error = Error::FromErrno("mount overlay", root.upper.empty() ? root.lowers.front() : root.upper);
  if (fchdir(before.get()) < 0) return Error::FromErrno("fchdir", "working directory");
  if (result < 0) return error;
  return Unit{};
}

}  // namespace tsbuild
