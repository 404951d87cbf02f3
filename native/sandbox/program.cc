#include "sandbox/program.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

namespace tsbuild {

namespace {

constexpr int kCannotRun = 126;
constexpr int kNotFound = 127;

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (const std::string& text : strings) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// As getenv: the first one counts.
std::string_view Variable(const std::vector<std::string>& env, std::string_view name) {
  for (const std::string& entry : env) {
    if (entry.size() > name.size() && entry[name.size()] == '=' && entry.starts_with(name)) {
      return std::string_view(entry).substr(name.size() + 1);
    }
  }
  return {};
}

[[noreturn]] void Refuse(const std::string& program, const std::string& why, int code) {
  std::string line = "tsbuild: cannot run \"" + program + "\": " + why + "\n";
  (void)!write(STDERR_FILENO, line.data(), line.size());
  _exit(code);
}

bool IsMissing(int error) { return error == ENOENT || error == ENOTDIR || error == ENAMETOOLONG || error == ELOOP; }

// `path` was tried and execve failed with `error`.
[[noreturn]] void RefusePath(const std::string& program, const std::string& path, int error) {
  struct stat info;
  if (IsMissing(error)) {
    if (stat(path.c_str(), &info) == 0) {
      Refuse(program, path + " exists, but the interpreter or loader that it names does not", kNotFound);
    }
    Refuse(program, path + " does not exist in the image", kNotFound);
  }
  if (error == EACCES && stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) {
    Refuse(program, path + " is a directory", kCannotRun);
  }
  if (error == ENOEXEC) {
    Refuse(program, path + " is built for another architecture, or is a script without #!", kCannotRun);
  }
  Refuse(program, path + ": " + strerror(error), kCannotRun);
}

}  // namespace

std::vector<std::string> BuildEnvironment(std::vector<std::string> env, const std::string& home) {
  if (!Variable(env, "HOME").empty()) return env;
  std::erase_if(env, [](const std::string& entry) { return entry.starts_with("HOME="); });
  env.push_back("HOME=" + home);
  return env;
}

void ExecuteProgram(const std::vector<std::string>& args, const std::vector<std::string>& env) {
  const std::string& program = args.front();
  std::vector<char*> argv = Pointers(args);
  std::vector<char*> envp = Pointers(env);
  if (program.empty()) Refuse(program, "the command is empty", kNotFound);
  if (program.find('/') != std::string::npos) {
    execve(program.c_str(), argv.data(), envp.data());
    RefusePath(program, program, errno);
  }
  std::string_view path = Variable(env, "PATH");
  std::string forbidden;
  int forbidden_error = 0;
  for (std::string_view rest = path; !rest.empty();) {
    size_t colon = rest.find(':');
    std::string_view directory = rest.substr(0, colon);
    rest.remove_prefix(colon == std::string_view::npos ? rest.size() : colon + 1);
    if (directory.empty() || directory[0] != '/') continue;
    std::string candidate = std::string(directory) + "/" + program;
    execve(candidate.c_str(), argv.data(), envp.data());
    int error = errno;
    if (error == EACCES) {
      forbidden = candidate;
      forbidden_error = error;
    } else if (!IsMissing(error) || access(candidate.c_str(), F_OK) == 0) {
      RefusePath(program, candidate, error);
    }
  }
  if (forbidden_error != 0) RefusePath(program, forbidden, forbidden_error);
  Refuse(program, "not found in PATH (" + std::string(path) + ")", kNotFound);
}

}  // namespace tsbuild
