#pragma once

#include "base/result.h"

namespace tsbuild {

// Cuts the caller, and all that it starts, off from the abstract unix sockets of others. They belong to a network rather than
// to a file system: where the host's network is shared, its daemons listen there, many of them for whoever is root. Takes
// CAP_SYS_ADMIN. Does nothing before Linux 6.12, or where Landlock is off.
Status LeaveAbstractSockets();

}  // namespace tsbuild
