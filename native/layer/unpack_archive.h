#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "fs/job_watch.h"
#include "fs/resolve.h"

namespace tsbuild {

// Whether a file is a tar, plain or compressed by gzip, bzip2, xz or zstd: its first entry can be read.
Result<bool> IsArchive(int fd);

struct UnpackedArchive {
  uint64_t entries = 0;
  uint64_t bytes = 0;
};

// ADD's unpacking of a local archive into an existing directory. `owner` stands above what the archive says. The watch counts the
// bytes of the tar.
Result<UnpackedArchive> UnpackArchive(int fd, int target, std::optional<Ownership> owner, const SharedWatch& watch);

}  // namespace tsbuild
