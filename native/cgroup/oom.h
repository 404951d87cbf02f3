#pragma once

#include <cstdint>

namespace tsbuild {

// How often the kernel killed a process for want of memory: in our own control group where that is counted, otherwise on
// the whole machine. Containers stay in our group, so a rise during a run that failed explains the failure.
uint64_t CountOomKills();

}  // namespace tsbuild
