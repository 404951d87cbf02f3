#pragma once

#include <string>
#include <vector>

namespace tsbuild {

// `env` with HOME added where it is missing or empty.
std::vector<std::string> BuildEnvironment(std::vector<std::string> env, const std::string& home);

// execve, with a look-up in the PATH of `env` when the name has no slash. Relative parts of PATH are passed over, as docker
// does. When it cannot be run: says why on stderr, in one line, and exits with 127 (not found) or 126.
[[noreturn]] void ExecuteProgram(const std::vector<std::string>& args, const std::vector<std::string>& env);

}  // namespace tsbuild
