#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace tsbuild {

struct CheckTablesRequest {
  std::string path;  // of the file
};

struct CheckTablesResult {
  std::string damage;  // empty: every record could be read
  uint64_t entries = 0;
};

// Reads every record of a tables file, which may be damaged in any way. LMDB believes what it reads: a page number that leads out of the
// file is a signal of the kernel's, which is caught here and means damage. The file is opened for reading, and no lock is taken.
Result<CheckTablesResult> CheckTables(const CheckTablesRequest& request);

}  // namespace tsbuild
