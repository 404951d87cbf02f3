#include "sandbox/stubs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tsbuild {

namespace {

bool OnSameMount(int a, int b) {
  struct statx first, second;
  return statx(a, "", AT_EMPTY_PATH, STATX_MNT_ID, &first) == 0 &&
         statx(b, "", AT_EMPTY_PATH, STATX_MNT_ID, &second) == 0 && first.stx_mnt_id == second.stx_mnt_id;
}

bool Equal(const timespec& a, const timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

}  // namespace

void Stubs::Remember(int root, int parent, const std::string& name, const timespec& mtime_before) {
  struct stat stub, directory;
  if (!OnSameMount(root, parent) || fstatat(parent, name.c_str(), &stub, AT_SYMLINK_NOFOLLOW) < 0 ||
      fstatat(parent, "", &directory, AT_EMPTY_PATH) < 0) {
    return;
  }
  UniqueFd held(fcntl(parent, F_DUPFD_CLOEXEC, 0));
  if (!held) return;
  stubs_.push_back({.parent = std::move(held),
                    .name = name,
                    .inode = stub.st_ino,
                    .mtime_before = mtime_before,
                    .mtime_after = directory.st_mtim,
                    .is_directory = S_ISDIR(stub.st_mode)});
}

void Stubs::Remove() {
  for (auto stub = stubs_.rbegin(); stub != stubs_.rend(); ++stub) {
    struct stat now, directory;
    if (fstatat(stub->parent.get(), stub->name.c_str(), &now, AT_SYMLINK_NOFOLLOW) < 0 || now.st_ino != stub->inode ||
        S_ISDIR(now.st_mode) != stub->is_directory || (!stub->is_directory && now.st_size != 0) ||
        fstatat(stub->parent.get(), "", &directory, AT_EMPTY_PATH) < 0) {
      continue;
    }
    // A directory that is not empty any more stays: rmdir refuses.
    if (unlinkat(stub->parent.get(), stub->name.c_str(), stub->is_directory ? AT_REMOVEDIR : 0) < 0) continue;
    // As it was, or as the build step left it when that changed the directory too.
    timespec mtime = Equal(directory.st_mtim, stub->mtime_after) ? stub->mtime_before : directory.st_mtim;
    const timespec times[2] = {directory.st_atim, mtime};
    // An O_PATH descriptor takes no futimens; its magic link does.
    std::string path = "/proc/self/fd/" + std::to_string(stub->parent.get());
    (void)utimensat(AT_FDCWD, path.c_str(), times, 0);
  }
  stubs_.clear();
}

}  // namespace tsbuild
