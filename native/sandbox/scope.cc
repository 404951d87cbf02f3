#include "sandbox/scope.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

#include "base/unique_fd.h"

namespace tsbuild {

namespace {

// linux/landlock.h of today; that of the machine which compiles may be older.
struct RulesetAttributes {
  uint64_t handled_access_fs;
  uint64_t handled_access_net;
  uint64_t scoped;
};
constexpr uint64_t kScopeAbstractUnixSocket = 1;
constexpr long kCreateRuleset = 444;
constexpr long kRestrictSelf = 446;

}  // namespace

Status LeaveAbstractSockets() {
  // Nothing but the scope is handled, so files, ports and mounts are as before.
  RulesetAttributes attributes = {0, 0, kScopeAbstractUnixSocket};
  UniqueFd ruleset(static_cast<int>(syscall(kCreateRuleset, &attributes, sizeof attributes, 0)));
  if (!ruleset) return Unit{};
  if (syscall(kRestrictSelf, ruleset.get(), 0) < 0) return Error::FromErrno("landlock_restrict_self");
  return Unit{};
}

}  // namespace tsbuild
