#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandbox/spec.h"

namespace tsbuild {

// A tsbuild-init that was started, with our ends of its pipes.
struct Launched {
  pid_t pid = -1;
  UniqueFd output;   // what the process prints to stdout
  UniqueFd errors;   // and to stderr
  UniqueFd outcome;  // the encoded Outcome, then the end
};

// Starts tsbuild-init with posix_spawn, which shares our memory until exec: a fork's cost would grow with Node's memory.
// `life` is the reading end of a pipe; the container ends when its writing end closes. The calling thread must live as
// long as the container: its death is a signal to tsbuild-init.
Result<Launched> Launch(const SandboxSpec& spec, const std::string& init_path, const UniqueFd& life);

}  // namespace tsbuild
