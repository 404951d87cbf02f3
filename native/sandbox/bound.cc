#include "sandbox/bound.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tsbuild {

namespace {

constexpr int kNotStarted = 126, kNotFound = 127;

int StatusOf(int status) { return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); }

// Waits for one child and buries all others that end meanwhile.
int WaitFor(pid_t child) {
  for (;;) {
    int status = 0;
    pid_t ended = waitpid(-1, &status, 0);
    if (ended == child) return StatusOf(status);
    if (ended < 0 && errno != EINTR) return kNotStarted;
  }
}

[[noreturn]] void BecomeProgram(char** args) {
  umask(0022);
  execvp(args[0], args);
  _exit(errno == ENOENT ? kNotFound : kNotStarted);
}

// Process 1 of the new namespace. It is nobody's parent by accident: the program's orphans become its children, and end with it.
[[noreturn]] void BecomeFirst(int tie, char** args) {
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  // Is the other end gone already, before there was a signal to send?
  struct pollfd event = {tie, POLLIN, 0};
  if (poll(&event, 1, 0) > 0) _exit(kNotStarted);
  pid_t program = fork();
  if (program < 0) _exit(kNotStarted);
  if (program == 0) BecomeProgram(args);
  _exit(WaitFor(program));
}

}  // namespace

int RunBound(char** args) {
  if (args[0] == nullptr || args[1] == nullptr) return kNotStarted;
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  // Gone already, before there was a signal to send?
  if (getppid() != static_cast<pid_t>(strtol(args[0], nullptr, 10))) return kNotStarted;
  if (unshare(CLONE_NEWPID) < 0) return kNotStarted;
  int tie[2];
  if (pipe2(tie, O_CLOEXEC) < 0) return kNotStarted;
  pid_t first = fork();
  if (first < 0) return kNotStarted;
  if (first == 0) {
    close(tie[1]);
    BecomeFirst(tie[0], args + 1);
  }
  return WaitFor(first);
}

}  // namespace tsbuild
