#pragma once

#include <string>

#include "base/result.h"

namespace tsbuild {

struct ExchangePathsRequest {
  std::string a;
  std::string b;
};

// Two entries of one file system change places in one step: whoever looks sees both as they were, or both exchanged.
Result<Unit> ExchangePaths(const ExchangePathsRequest& request);

}  // namespace tsbuild
