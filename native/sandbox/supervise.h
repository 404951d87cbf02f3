#pragma once

#include <sys/types.h>

#include "base/unique_fd.h"
#include "sandbox/spec.h"

namespace tsbuild {

// Blocks the signals that end a program, to be read from a descriptor instead, and asks for one when the thread that
// started us ends: the container is then taken down in order.
Result<UniqueFd> ListenForEnd();

// Waits until `child`, process 1 of the container, is gone and with it everything else in its pid namespace. Kills it when
// the life pipe hangs up or a signal comes. `report` gives an encoded Outcome when the process could not be made.
Outcome Supervise(pid_t child, UniqueFd report, const UniqueFd& signals);

}  // namespace tsbuild
