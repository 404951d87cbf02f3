#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/result.h"
#include "fs/job_watch.h"
#include "fs/sha256.h"

namespace tsbuild {

// Adds the content of an open file to a digest, in few reads; `size` is what fstat says of it, `path` names it in errors. Returns how much
// there was. When it fails or is cancelled, the digest starts afresh.
Result<uint64_t> HashOpenFile(int fd, off_t size, const std::string& path, const SharedWatch& watch, Sha256* hash);

}  // namespace tsbuild
