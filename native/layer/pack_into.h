#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "base/error.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace tsbuild {

// Calls `pack` with a new file at `path`, which is gone again when that fails; without a path with -1: nothing is written, only hashed.
template <typename Pack>
auto PackInto(const std::string& path, mode_t mode, Pack pack) -> decltype(pack(-1)) {
  if (path.empty()) return pack(-1);
  UniqueFd output(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  if (!output) return Error::FromErrno("open", path);
  auto packed = pack(output.get());
  if (!packed.ok()) {
    if (packed.error().syscall == "write" && packed.error().path.empty()) packed.error().path = path;
    unlink(path.c_str());
  }
  return packed;
}

}  // namespace tsbuild
