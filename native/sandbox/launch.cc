#include "sandbox/launch.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <mutex>

namespace tsbuild {

namespace {

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

// Above the numbers that the child gets, so that putting one in place overwrites none that is still needed.
Result<UniqueFd> MoveUp(UniqueFd fd) {
  UniqueFd moved(fcntl(fd.get(), F_DUPFD_CLOEXEC, 16));
  if (!moved) return Error::FromErrno("fcntl F_DUPFD_CLOEXEC");
  return moved;
}

struct Pipe {
  UniqueFd reading, writing;
};

Result<Pipe> MakePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return Error::FromErrno("pipe2");
  UniqueFd reading(ends[0]), writing(ends[1]);
  auto moved = MoveUp(std::move(writing));
  if (!moved.ok()) return moved.error();
  return Pipe{std::move(reading), std::move(*moved)};
}

Result<UniqueFd> MakeMemoryFile(const char* name, unsigned flags) {
  UniqueFd file(memfd_create(name, MFD_CLOEXEC | flags));
  if (!file) return Error::FromErrno("memfd_create", name);
  return MoveUp(std::move(file));
}

Result<UniqueFd> WriteSpec(const SandboxSpec& spec) {
  std::string bytes = Encode(spec);
  auto file = MakeMemoryFile("tsbuild-spec", 0);
  if (!file.ok()) return file;
  for (size_t at = 0; at < bytes.size();) {
    ssize_t length = pwrite(file->get(), bytes.data() + at, bytes.size() - at, static_cast<off_t>(at));
    if (length < 0) return Error::FromErrno("write", "description of the container");
    at += static_cast<size_t>(length);
  }
  explicit_bzero(bytes.data(), bytes.size());
  return file;
}

// A copy of the program in memory that nobody can write to. A hostile image can have the kernel run tsbuild-init inside the
// container once more (a script that begins with #!/proc/self/exe), and could then open the file behind it for writing
// as the machine's root (CVE-2019-5736). An empty descriptor where the machine runs no programs from memory.
Result<UniqueFd> SealProgram(const std::string& path) {
  UniqueFd source(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info;
  if (!source || fstat(source.get(), &info) < 0) return Error::FromErrno("open", path);
  auto copy = MakeMemoryFile("tsbuild-init", MFD_ALLOW_SEALING | MFD_EXEC);
  if (!copy.ok() && copy.error().error_number == EINVAL) {
    copy = MakeMemoryFile("tsbuild-init", MFD_ALLOW_SEALING);  // before Linux 6.3
  }
  if (!copy.ok()) return copy.error().error_number == EACCES ? Result<UniqueFd>(UniqueFd()) : std::move(copy);
  for (off_t left = info.st_size; left > 0;) {
    ssize_t length = sendfile(copy->get(), source.get(), nullptr, static_cast<size_t>(left));
    if (length <= 0) return Error::FromErrno("sendfile", path);
    left -= length;
  }
  if (fcntl(copy->get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0) {
    return Error::FromErrno("fcntl F_ADD_SEALS", path);
  }
  return copy;
}

// The path to start `init_path` by. The sealed copy is made once in the life of the process.
Result<std::string> ProgramPath(const std::string& init_path) {
  static std::mutex mutex;
  static std::map<std::string, UniqueFd> sealed;
  std::lock_guard<std::mutex> lock(mutex);
  auto known = sealed.find(init_path);
  if (known == sealed.end()) {
    auto copy = SealProgram(init_path);
    if (!copy.ok()) return copy.error();
    known = sealed.emplace(init_path, std::move(*copy)).first;
  }
  return known->second ? "/proc/self/fd/" + std::to_string(known->second.get()) : init_path;
}

// Frees the structures of posix_spawn on every way out.
struct SpawnPlan {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  SpawnPlan() {
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
};

}  // namespace

Result<Launched> Launch(const SandboxSpec& spec, const std::string& init_path, const UniqueFd& life) {
  auto program = ProgramPath(init_path);
  if (!program.ok()) return program.error();
  auto description = WriteSpec(spec);
  if (!description.ok()) return description.error();
  auto output = MakePipe();
  if (!output.ok()) return output.error();
  auto errors = MakePipe();
  if (!errors.ok()) return errors.error();
  auto outcome = MakePipe();
  if (!outcome.ok()) return outcome.error();
  UniqueFd life_end(fcntl(life.get(), F_DUPFD_CLOEXEC, 16));
  if (!life_end) return Error::FromErrno("fcntl F_DUPFD_CLOEXEC");
  for (const UniqueFd* end : {&output->reading, &errors->reading}) {
    if (fcntl(end->get(), F_SETFL, O_NONBLOCK) < 0) return Error::FromErrno("fcntl O_NONBLOCK");
  }

  SpawnPlan plan;
  posix_spawn_file_actions_addopen(&plan.files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&plan.files, output->writing.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&plan.files, errors->writing.get(), STDERR_FILENO);
  posix_spawn_file_actions_adddup2(&plan.files, description->get(), kSpecFd);
  posix_spawn_file_actions_adddup2(&plan.files, outcome->writing.get(), kOutcomeFd);
  posix_spawn_file_actions_adddup2(&plan.files, life_end.get(), kLifeFd);
  // Node ignores SIGPIPE, and what is ignored stays so across exec. A session of its own keeps Ctrl-C, which goes to the
  // whole foreground group of the terminal, away from the container: it is up to us how to end it.
  sigset_t all, none;
  sigfillset(&all);
  sigemptyset(&none);
  posix_spawnattr_setsigdefault(&plan.attributes, &all);
  posix_spawnattr_setsigmask(&plan.attributes, &none);
  posix_spawnattr_setflags(&plan.attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);

  char name[] = "tsbuild-init";
  char* arguments[] = {name, nullptr};
  char* environment[] = {nullptr};
  Launched launched;
  int error = posix_spawn(&launched.pid, program->c_str(), &plan.files, &plan.attributes, arguments, environment);
  if (error != 0) return Error::WithErrno(error, "posix_spawn", init_path);
  launched.output = std::move(output->reading);
  launched.errors = std::move(errors->reading);
  launched.outcome = std::move(outcome->reading);
  return launched;
}

}  // namespace tsbuild
