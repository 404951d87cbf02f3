#include "sandbox/capabilities.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace tsbuild {

Status LimitBoundingSet(uint64_t mask) {
  // PR_CAPBSET_READ fails with EINVAL past the last capability that this kernel knows.
  for (unsigned capability = 0; capability < 64; capability++) {
    int present = prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
    if (present < 0) break;
    if (present == 0 || (mask >> capability & 1) != 0) continue;
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0) return Error::FromErrno("prctl PR_CAPBSET_DROP");
  }
  return Unit{};
}

Status SetCapabilities(uint64_t mask) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  if (syscall(SYS_capget, &header, data) < 0) return Error::FromErrno("capget");
  for (int half = 0; half < 2; half++) {
    uint32_t bits = static_cast<uint32_t>(mask >> (32 * half));
    data[half].permitted &= bits;
    data[half].effective = data[half].permitted;
    data[half].inheritable = 0;
  }
  if (syscall(SYS_capset, &header, data) < 0) return Error::FromErrno("capset");
  return Unit{};
}

}  // namespace tsbuild
