// tsbuild-init: makes one container and stays beside it until it is gone. Started by the addon (launch.cc), never by hand.
// (`tsbuild-init bound` runs a program of the host instead: see bound.h.)
// Static, so that it starts in half a millisecond; single-threaded, as unshare demands; and small, because a fork of it,
// unlike one of Node, costs next to nothing.

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/bound.h"
#include "sandbox/device_guard.h"
#include "sandbox/device_nodes.h"
#include "sandbox/devices.h"
#include "sandbox/identity.h"
#include "sandbox/in_root.h"
#include "sandbox/kernel_mounts.h"
#include "sandbox/mounts.h"
#include "sandbox/namespaces.h"
#include "sandbox/process.h"
#include "sandbox/rootfs.h"
#include "sandbox/spec.h"
#include "sandbox/stubs.h"
#include "sandbox/supervise.h"

namespace tsbuild {

namespace {

Result<SandboxSpec> ReadSpec() {
  struct stat info;
  if (fstat(kSpecFd, &info) < 0) return Error::FromErrno("fstat", "description of the container");
  std::string bytes(static_cast<size_t>(info.st_size), '\0');
  for (size_t at = 0; at < bytes.size();) {
    ssize_t length = pread(kSpecFd, bytes.data() + at, bytes.size() - at, static_cast<off_t>(at));
    if (length <= 0) return Error::FromErrno("read", "description of the container");
    at += static_cast<size_t>(length);
  }
  // The addon has closed its end: now only this program holds it.
  close(kSpecFd);
  auto spec = DecodeSpec(bytes);
  explicit_bzero(bytes.data(), bytes.size());
  if (spec.ok() && spec->args.empty()) return Error::Own("SANDBOX_PROTOCOL", "there is no command to run");
  return spec;
}

struct Prepared {
  UniqueFd root;
  Identity identity;
  KernelMountPoints points;
  UniqueFd null;
};

// Everything up to the point where only process 1 can go on. The order is forced:
//  - the user before anything is mounted in /etc, and the working directory before anything hides it, as docker does;
//  - pivoting is left to process 1: only with the host's tree still in sight may a user namespace mount /proc, or take /dev
//    and /sys from the host;
//  - what the build step mounts after what every container has, so that it may cover it.
Result<Prepared> Prepare(const SandboxSpec& spec, DeviceAccess access, Stubs& stubs) {
  Prepared prepared;
  TSB_TRY(EnterNamespaces(spec));
  auto staging = Staging::Create();
  if (!staging.ok()) return staging.error();
  auto root = MountRootfs(spec, *staging, access);
  if (!root.ok()) return root.error();

  auto identity = ResolveIdentity(root->get(), spec.user);
  if (!identity.ok()) return identity.error();
  prepared.identity = std::move(*identity);
  prepared.identity.groups.insert(prepared.identity.groups.end(), spec.groups.begin(), spec.groups.end());
  auto cwd = OpenOrMake(root->get(), spec.cwd, {.uid = prepared.identity.uid, .gid = prepared.identity.gid});
  if (!cwd.ok()) return cwd.error();

  auto points = OpenKernelMountPoints(*root);
  if (!points.ok()) return points.error();
  prepared.points = std::move(*points);
  auto null = MountDev(*root, access);
  if (!null.ok()) return null.error();
  prepared.null = std::move(*null);
  TSB_TRY(MountSys(prepared.points, spec.insecure));
  TSB_TRY(MountFiles(spec, *root, *staging, stubs));
  TSB_TRY(MountExtras(spec, *root, *staging, access, stubs));
  TSB_TRY(MountDeviceNodes(spec, prepared.identity, *root, *staging, stubs));
  prepared.root = std::move(*root);
  return prepared;
}

Result<Outcome> Run(const SandboxSpec& spec, const UniqueFd& signals, Stubs& stubs) {
  UniqueFd nothing(open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!nothing) return Error::FromErrno("open", "/dev/null");
  DeviceGuard guard = spec.insecure ? DeviceGuard() : DeviceGuard::Create(spec.devices);
  auto prepared = Prepare(spec, spec.insecure || guard ? DeviceAccess::kAny : DeviceAccess::kOursOnly, stubs);
  if (!prepared.ok()) return prepared.error();

  int report[2], tie[2];
  if (pipe2(report, O_CLOEXEC) < 0 || pipe2(tie, O_CLOEXEC) < 0) return Error::FromErrno("pipe2");
  UniqueFd report_end(report[0]), report_start(report[1]), tie_end(tie[0]), tie_start(tie[1]);
  auto child = guard.Fork();
  if (!child.ok()) return child.error();
  if (*child == 0) {
    tie_start.reset();
    BecomeProcess({.spec = spec,
                   .root = prepared->root,
                   .identity = prepared->identity,
                   .points = prepared->points,
                   .null = prepared->null,
                   .report = std::move(report_start),
                   .tie = std::move(tie_end)});
  }
  report_start.reset();
  // Our copies of the output pipes would keep them open past the end of the last process that prints.
  for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(nothing.get(), fd);
  return Supervise(*child, std::move(report_end), signals);
}

// A volatile overlay leaves a mark that keeps anybody from mounting the same directories again, lest they trust what may
// not have reached the disk. Whoever asked for it syncs before trusting, so the mark goes.
void RemoveVolatileMark(const SandboxSpec& spec) {
  if (!spec.volatile_root || spec.root.upper.empty() || spec.root.work.empty()) return;
  std::string mark = spec.root.work + "/work/incompat/volatile";
  (void)unlink((mark + "/dirty").c_str());
  (void)rmdir(mark.c_str());
  (void)rmdir((spec.root.work + "/work/incompat").c_str());
}

Outcome RunAndTidy() {
  Outcome failure;
  failure.failed = true;
  auto signals = ListenForEnd();
  auto spec = signals.ok() ? ReadSpec() : Result<SandboxSpec>(signals.error());
  UniqueFd host(open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
  if (spec.ok() && !host) spec = Error::FromErrno("open", "/proc/self/ns/mnt");
  if (!spec.ok()) {
    failure.error = std::move(spec.error());
    return failure;
  }
  // This program holds the secrets too. Process 1 has a limit of its own, since an exec undoes this.
  if (spec->confidential) (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  Stubs stubs;
  auto outcome = Run(*spec, *signals, stubs);
  // Back in the host's namespace nothing is mounted on the stubs, so they can be removed through the descriptors of their
  // parents, whatever the container did to the paths.
  if (setns(host.get(), CLONE_NEWNS) == 0) {
    stubs.Remove();
    RemoveVolatileMark(*spec);
  }
  if (outcome.ok()) return *outcome;
  failure.error = std::move(outcome.error());
  return failure;
}

}  // namespace

}  // namespace tsbuild

int main(int count, char** args) {
  if (count > 1 && strcmp(args[1], "bound") == 0) return tsbuild::RunBound(args + 2);
  // What some library in the parent forgot to mark close-on-exec is no business of a container.
  syscall(SYS_close_range, tsbuild::kLifeFd + 1, ~0U, 0);
  for (int fd : {tsbuild::kSpecFd, tsbuild::kOutcomeFd, tsbuild::kLifeFd}) {
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) return 64;  // started by hand
  }
  // The addon starts us from a sealed copy that has no name of its own.
  prctl(PR_SET_NAME, "tsbuild-init", 0, 0, 0);
  umask(0);
  std::string message = Encode(tsbuild::RunAndTidy());
  return write(tsbuild::kOutcomeFd, message.data(), message.size()) == static_cast<ssize_t>(message.size()) ? 0 : 65;
}
