#include "mount/private_namespace.h"

#include <sched.h>
#include <sys/mount.h>

namespace tsbuild {

Status EnterPrivateMountNamespace() {
  // CLONE_NEWNS implies CLONE_FS, which a single thread of a process may leave alone.
  if (unshare(CLONE_NEWNS) < 0) return Error::FromErrno("unshare", "mount namespace");
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0) return Error::FromErrno("mount", "/");
  return Unit{};
}

}  // namespace tsbuild
