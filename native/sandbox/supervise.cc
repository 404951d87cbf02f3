#include "sandbox/supervise.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tsbuild {

namespace {

Outcome Failure(Error error) {
  Outcome outcome;
  outcome.failed = true;
  outcome.error = std::move(error);
  return outcome;
}

std::string ReadAll(const UniqueFd& fd) {
  std::string content;
  char buffer[4096];
  ssize_t length;
  while ((length = read(fd.get(), buffer, sizeof buffer)) > 0) content.append(buffer, static_cast<size_t>(length));
  return content;
}

}  // namespace

Result<UniqueFd> ListenForEnd() {
  sigset_t ending;
  sigemptyset(&ending);
  for (int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT}) sigaddset(&ending, signal);
  if (sigprocmask(SIG_BLOCK, &ending, nullptr) < 0) return Error::FromErrno("sigprocmask");
  UniqueFd signals(signalfd(-1, &ending, SFD_CLOEXEC));
  if (!signals) return Error::FromErrno("signalfd");
  if (prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) < 0) return Error::FromErrno("prctl PR_SET_PDEATHSIG");
  return signals;
}

Outcome Supervise(pid_t child, UniqueFd report, const UniqueFd& signals) {
  UniqueFd process(static_cast<int>(syscall(SYS_pidfd_open, child, 0)));
  if (!process) {
    Error error = Error::FromErrno("pidfd_open");
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    return Failure(std::move(error));
  }
  // The pipe needs no watching: whoever writes to it ends right after.
  struct pollfd events[] = {
      {process.get(), POLLIN, 0}, {kLifeFd, POLLIN, 0}, {signals.get(), POLLIN, 0}};
  for (;;) {
    if (poll(events, 3, -1) < 0) continue;
    if (events[0].revents != 0) break;
    // Process 1 takes its whole namespace along.
    kill(child, SIGKILL);
    events[1].fd = events[2].fd = -1;
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  std::string message = ReadAll(report);
  if (!message.empty()) {
    auto reported = DecodeOutcome(message);
    return reported.ok() ? *reported : Failure(reported.error());
  }
  Outcome outcome;
  outcome.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  outcome.code = outcome.signal != 0 ? 128 + outcome.signal : WEXITSTATUS(status);
  return outcome;
}

}  // namespace tsbuild
