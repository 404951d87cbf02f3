#pragma once

#include "base/result.h"

namespace tsbuild {

// A new network namespace has its loopback interface down; nothing can listen on 127.0.0.1 until it is up.
Status BringLoopbackUp();

}  // namespace tsbuild
