#pragma once

#include "base/result.h"

namespace tsbuild {

// Gives the calling *thread* a mount namespace of its own with everything private, so that what it mounts is gone with
// the thread, however that ends. The thread must not be reused for anything else afterwards.
Status EnterPrivateMountNamespace();

}  // namespace tsbuild
