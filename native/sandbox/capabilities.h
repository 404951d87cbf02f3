#pragma once

#include <cstdint>

#include "base/result.h"

namespace tsbuild {

// What docker leaves to root in a container: CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP
// NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE.
inline constexpr uint64_t kDefaultCapabilities = 0xa80425fb;

// Takes everything but `mask` from the bounding set, so that no program can get it back, not even a setuid one.
Status LimitBoundingSet(uint64_t mask);

// Sets permitted and effective to what is left of `mask`, and clears inheritable. For root only: another user has lost
// its capabilities with the change of ids.
Status SetCapabilities(uint64_t mask);

}  // namespace tsbuild
