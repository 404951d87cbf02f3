#pragma once

#include "base/result.h"
#include "sandbox/spec.h"

namespace tsbuild {

// Takes the namespaces of the container: mount, uts, ipc, pid (for children), and net when it is private. The
// caller must be single-threaded. Nothing that is mounted afterwards is seen outside, nor the other way round.
Status EnterNamespaces(const SandboxSpec& spec);

}  // namespace tsbuild
