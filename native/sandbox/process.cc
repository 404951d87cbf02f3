#include "sandbox/process.h"

#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "mount/user_namespace.h"
#include "sandbox/capabilities.h"
#include "sandbox/program.h"
#include "sandbox/rootfs.h"
#include "sandbox/scope.h"
#include "sandbox/seccomp.h"

namespace tsbuild {

namespace {

constexpr int kReportFd = 3;
constexpr int kTieFd = 4;
constexpr rlim_t kMaxOpenFiles = 1 << 20;

// Leaves 0, 1, 2 and the two pipes. From here on nothing open leads out of the container, so a path such as
// /proc/self/fd/7/... in the image (as working directory, program or interpreter) leads nowhere.
Status KeepOnlyPipes(ProcessSetup& setup) {
  UniqueFd report(fcntl(setup.report.get(), F_DUPFD_CLOEXEC, 16));
  UniqueFd tie(fcntl(setup.tie.get(), F_DUPFD_CLOEXEC, 16));
  if (!report || !tie) return Error::FromErrno("fcntl");
  if (dup3(report.get(), kReportFd, O_CLOEXEC) < 0 || dup3(tie.get(), kTieFd, O_CLOEXEC) < 0) {
    return Error::FromErrno("dup3");
  }
  (void)report.release();
  (void)tie.release();
  (void)setup.report.release();
  (void)setup.tie.release();
  if (syscall(SYS_close_range, kTieFd + 1, ~0U, 0) < 0) return Error::FromErrno("close_range");
  setup.report.reset(kReportFd);
  setup.tie.reset(kTieFd);
  return Unit{};
}

// Node raises its limit of open files to the ceiling, which may be a billion: programs that walk all possible
// descriptors then take minutes. Only ever downwards: raising takes a capability that not every root has.
void ClampOpenFiles() {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
  limit.rlim_max = std::min(limit.rlim_max, kMaxOpenFiles);
  limit.rlim_cur = std::min(limit.rlim_cur, kMaxOpenFiles);
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

// One byte: with none the kernel writes no file, but still starts a program that takes core dumps (core(5), "Piping core dumps"); one
// is the value at which it does neither.
void ForbidCoreDumps() {
  const struct rlimit limit = {1, 1};
  (void)setrlimit(RLIMIT_CORE, &limit);
}

// So that the user may open /dev/stdout, which is our pipe by another name.
void GiveOutput(const Identity& identity) {
  if (identity.uid == 0) return;
  for (int fd : {STDOUT_FILENO, STDERR_FILENO}) (void)fchown(fd, identity.uid, static_cast<gid_t>(-1));
}

Status EnterWorkingDirectory(const std::string& cwd) {
  if (chdir(cwd.c_str()) < 0) return Error::FromErrno("chdir", cwd);
  // A directory outside of the root has no path here, and the kernel says so in parentheses.
  char here[PATH_MAX];
  if (syscall(SYS_getcwd, here, sizeof here) < 0 || here[0] != '/') {
    return Error::Own("SANDBOX_WORKDIR", "the working directory lies outside of the container's root", cwd);
  }
  return Unit{};
}

Status BecomeUser(const Identity& identity) {
  // Groups before ids: afterwards we may not. A user namespace without group ranges does not let anybody set groups.
  if (setgroups(identity.groups.size(), identity.groups.data()) < 0 && !(errno == EPERM && InUserNamespace())) {
    return Error::FromErrno("setgroups");
  }
  std::string ids = std::to_string(identity.uid) + ":" + std::to_string(identity.gid);
  if (setresgid(identity.gid, identity.gid, identity.gid) < 0) return Error::FromErrno("setresgid", ids);
  if (setresuid(identity.uid, identity.uid, identity.uid) < 0) return Error::FromErrno("setresuid", ids);
  return Unit{};
}

Status DropPrivileges(const ProcessSetup& setup) {
  bool insecure = setup.spec.insecure;
  // Loading the filter takes CAP_SYS_ADMIN, as does the scope, which the filter might refuse; what follows passes it.
  if (!insecure) {
    if (!setup.spec.private_network) TSB_TRY(LeaveAbstractSockets());
    TSB_TRY(LoadDefaultFilter());
    TSB_TRY(LimitBoundingSet(kDefaultCapabilities));
  }
  TSB_TRY(BecomeUser(setup.identity));
  if (!insecure && setup.identity.uid == 0) TSB_TRY(SetCapabilities(kDefaultCapabilities));
  return Unit{};
}

// Last, because a change of ids clears it.
Status DieWithParent(const UniqueFd& tie) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0) return Error::FromErrno("prctl PR_SET_PDEATHSIG");
  // Gone already, before there was a signal to send?
  struct pollfd event = {tie.get(), POLLIN, 0};
  if (poll(&event, 1, 0) > 0) _exit(128 + SIGKILL);
  return Unit{};
}

Status Prepare(ProcessSetup& setup) {
  if (setsid() < 0) return Error::FromErrno("setsid");
  TSB_TRY(MountProc(setup.points));
  TSB_TRY(MountCgroup(setup.points, setup.spec.insecure));
  TSB_TRY(PivotInto(setup.root));
  if (!setup.spec.insecure) TSB_TRY(MaskKernelPaths(setup.null));
  TSB_TRY(KeepOnlyPipes(setup));
  ClampOpenFiles();
  if (setup.spec.confidential) ForbidCoreDumps();
  GiveOutput(setup.identity);
  TSB_TRY(EnterWorkingDirectory(setup.spec.cwd));
  TSB_TRY(DropPrivileges(setup));
  TSB_TRY(DieWithParent(setup.tie));
  umask(0022);
  sigset_t none;
  sigemptyset(&none);
  if (sigprocmask(SIG_SETMASK, &none, nullptr) < 0) return Error::FromErrno("sigprocmask");
  return Unit{};
}

}  // namespace

void BecomeProcess(ProcessSetup setup) {
  Status prepared = Prepare(setup);
  if (!prepared.ok()) {
    Outcome outcome;
    outcome.failed = true;
    outcome.error = std::move(prepared.error());
    std::string message = Encode(outcome);
    // Far below the size that a pipe takes at once.
    (void)!write(setup.report.get(), message.data(), message.size());
    _exit(1);
  }
  ExecuteProgram(setup.spec.args, BuildEnvironment(setup.spec.env, setup.identity.home));
}

}  // namespace tsbuild
