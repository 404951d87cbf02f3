#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandbox/spec.h"

namespace tsbuild {

struct SandboxRequest {
  SandboxSpec spec;
  std::string init_path;
  UniqueFd life;  // reading end of a pipe: everything is killed when the writing end closes
};

struct SandboxResult {
  int code = 0;
  int signal = 0;
  bool oom_killed = false;
};

// Takes a piece of what the process printed to stream 1 (stdout) or 2 (stderr). May block: so does the process then, once
// its pipe is full.
using OutputSink = std::function<void(int stream, std::string piece)>;

// Runs a container to its end on the calling thread, which must not be one that ends earlier.
Result<SandboxResult> RunSandbox(SandboxRequest request, const OutputSink& sink);

}  // namespace tsbuild
