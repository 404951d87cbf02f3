#include "sandbox/run.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <memory>

#include "cgroup/oom.h"
#include "sandbox/launch.h"

namespace tsbuild {

namespace {

constexpr size_t kPipeBytes = 1 << 20;
constexpr size_t kPieceBytes = 256 << 10;
// Who prints this much at once goes on printing. It is then looked at every millisecond: a wake-up for each page of output costs more,
// on both sides of the pipe, than the output does.
constexpr size_t kTalkativeBytes = 16 << 10;
constexpr struct timespec kPause = {0, 1'000'000};

// Passes on what is there, and counts it in `total`. False at the end of the stream.
bool Forward(const UniqueFd& pipe, int stream, char* buffer, const OutputSink& sink, size_t* total) {
  for (;;) {
    ssize_t length = read(pipe.get(), buffer, kPieceBytes);
    if (length < 0) return errno == EAGAIN || errno == EINTR;
    if (length == 0) return false;
    sink(stream, std::string(buffer, static_cast<size_t>(length)));
    *total += static_cast<size_t>(length);
  }
}

// Moves the output until tsbuild-init has closed `outcome`; gives what it wrote there.
std::string Pump(const Launched& launched, const OutputSink& sink) {
  auto buffer = std::make_unique<char[]>(kPieceBytes);
  std::string message;
  // Only asked for: a pipe of the usual size does as well, but slower.
  fcntl(launched.output.get(), F_SETPIPE_SZ, kPipeBytes);
  fcntl(launched.errors.get(), F_SETPIPE_SZ, kPipeBytes);
  size_t total = 0;
  struct pollfd events[] = {{launched.output.get(), POLLIN, 0},
                            {launched.errors.get(), POLLIN, 0},
                            {launched.outcome.get(), POLLIN, 0}};
  for (;;) {
    if (poll(events, 3, -1) < 0) continue;
    const size_t before = total;
    if (events[0].revents != 0 && !Forward(launched.output, 1, buffer.get(), sink, &total)) events[0].fd = -1;
    if (events[1].revents != 0 && !Forward(launched.errors, 2, buffer.get(), sink, &total)) events[1].fd = -1;
    if (events[2].revents == 0) {
      if (total - before >= kTalkativeBytes) nanosleep(&kPause, nullptr);
      continue;
    }
    ssize_t length = read(launched.outcome.get(), buffer.get(), kPieceBytes);
    if (length > 0) message.append(buffer.get(), static_cast<size_t>(length));
    if (length == 0) break;
  }
  // Nobody in the container lives any more, so what is in the pipes now is the rest. Not "until they end": a process may
  // have sent its stdout to one outside, through a socket.
  Forward(launched.output, 1, buffer.get(), sink, &total);
  Forward(launched.errors, 2, buffer.get(), sink, &total);
  return message;
}

// Compares with what was there at the first call: of runs side by side any may be blamed, which is good enough for a hint.
bool SawOomKill() {
  static std::atomic<uint64_t> seen{CountOomKills()};
  uint64_t now = CountOomKills();
  return now > seen.exchange(now);
}

void RememberOomKills() {
  static const bool once = SawOomKill();
  (void)once;
}

}  // namespace

Result<SandboxResult> RunSandbox(SandboxRequest request, const OutputSink& sink) {
  RememberOomKills();
  auto launched = Launch(request.spec, request.init_path, request.life);
  WipeSecrets(request.spec);
  if (!launched.ok()) return launched.error();
  request.life.reset();  // tsbuild-init has its own
  std::string message = Pump(*launched, sink);
  int status = 0;
  while (waitpid(launched->pid, &status, 0) < 0 && errno == EINTR) continue;
  if (message.empty() && WIFSIGNALED(status)) {
    return Error::Own("SANDBOX_INIT_KILLED", std::string("tsbuild-init was killed by ") + strsignal(WTERMSIG(status)));
  }
  auto outcome = DecodeOutcome(message);
  if (!outcome.ok()) return outcome.error();
  if (outcome->failed) return outcome->error;
  return SandboxResult{outcome->code, outcome->signal, outcome->code != 0 && SawOomKill()};
}

}  // namespace tsbuild
