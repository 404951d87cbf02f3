#pragma once

namespace tsbuild {

// Runs a program of the host's for whoever started us, in no container: with its own process ids, so that it and all that it starts
// end when we end, and we when our parent does, however that happens. `args`: `<pid of the parent> <program> <argument>…`, ended by a null
// pointer. The exit status is the program's, 128 and its signal, 126 when it cannot be started and 127 when it is not there.
int RunBound(char** args);

}  // namespace tsbuild
