#pragma once

#include "base/unique_fd.h"
#include "sandbox/identity.h"
#include "sandbox/kernel_mounts.h"
#include "sandbox/spec.h"

namespace tsbuild {

// What the container's first process needs of what was prepared for it.
struct ProcessSetup {
  const SandboxSpec& spec;
  const UniqueFd& root;
  const Identity& identity;
  const KernelMountPoints& points;
  const UniqueFd& null;
  UniqueFd report;  // takes an encoded Outcome when the process cannot be made; closes by exec otherwise
  UniqueFd tie;     // hangs up when tsbuild-init is gone
};

// To be called as process 1 of the new pid namespace. Turns into the program of the build step, which thereby *is*
// process 1, as with docker build: when it ends the kernel kills all that it left behind. A program that is not there or
// cannot be run is a result like any other: a line on stderr and exit code 127 or 126, as shells do.
[[noreturn]] void BecomeProcess(ProcessSetup setup);

}  // namespace tsbuild
