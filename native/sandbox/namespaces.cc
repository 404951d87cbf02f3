#include "sandbox/namespaces.h"

#include <linux/keyctl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/network.h"

namespace tsbuild {

Status EnterNamespaces(const SandboxSpec& spec) {
  int flags = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID;
  if (spec.private_network) flags |= CLONE_NEWNET;
  if (unshare(flags) < 0) return Error::FromErrno("unshare", "namespaces of the container");
  // Before the first mount: on most machines "/" is shared, and mounts would spread to the host.
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0) return Error::FromErrno("mount", "/");
  if (sethostname(spec.hostname.data(), spec.hostname.size()) < 0) {
    return Error::FromErrno("sethostname", spec.hostname);
  }
  if (spec.private_network) TSB_TRY(BringLoopbackUp());
  // Keys of the user who started us stay out of reach. Fails only where keys are not built in or used up.
  (void)syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr);
  return Unit{};
}

}  // namespace tsbuild
