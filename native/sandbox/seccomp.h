#pragma once

#include <linux/filter.h>

#include <vector>

#include "base/result.h"

namespace tsbuild {

// Docker's default filter as a BPF program for this machine and the ABIs it also runs. Compiled at each start from the table
// in seccomp_profile.def, in some ten microseconds: there is nothing to generate or to ship.
std::vector<sock_filter> CompileDefaultFilter();

// Loads it, for this process and all that it starts. Needs CAP_SYS_ADMIN, since no_new_privs stays off (sudo must work
// in a build step): so before capabilities are dropped. The calls that drop them pass the filter.
Status LoadDefaultFilter();

}  // namespace tsbuild
