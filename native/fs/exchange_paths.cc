#include "fs/exchange_paths.h"

#include <fcntl.h>
#include <stdio.h>

namespace tsbuild {

Result<Unit> ExchangePaths(const ExchangePathsRequest& request) {
  if (renameat2(AT_FDCWD, request.a.c_str(), AT_FDCWD, request.b.c_str(), RENAME_EXCHANGE) < 0) {
    return Error::FromErrno("renameat2", request.a);
  }
  return Unit{};
}

}  // namespace tsbuild
