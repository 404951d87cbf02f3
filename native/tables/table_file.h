#pragma once

#include <lmdb.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "tables/guard.h"

namespace tsbuild {

struct OpenTablesRequest {
  std::string directory;
  uint64_t map_size_bytes = 0;  // address space, not disk: the upper bound of the file
  bool read_only = false;       // nothing is written, no lock taken: of a file system that is read-only
};

// An open LMDB file. A process must not have one file open twice (closing either would drop the locks of both), so all
// who ask for the same directory share one, until the last of them lets go.
class TableFile {
 public:
  struct LetGo {
    void operator()(TableFile* file) const;
  };
  using Shared = std::unique_ptr<TableFile, LetGo>;

  static Result<Shared> Share(const OpenTablesRequest& request);
  TableFile(const TableFile&) = delete;
  TableFile& operator=(const TableFile&) = delete;
  ~TableFile();

  MDB_env* env() const { return env_; }
  MDB_dbi dbi() const { return dbi_; }
  Error Failure(int code, const char* call) const;

  // Runs what looks at the file's pages, and nothing once they were found to be damaged: LMDB was left in the middle of something then.
  template <typename Work>
  Status Guard(Work work) {
    const char* why = damage_.load();
    if (why == nullptr) {
      why = Guarded(work);
      if (why != nullptr) damage_.store(why);
    }
    return why == nullptr ? Status(Unit{}) : Status(Error::Own("TABLES_FAILED", why, path_));
  }
  // Before the first write to the commit that `version` counts, by who has the lock of writers. Looks at all pages of a file that is not large.
  Status CheckBeforeWriting(uint64_t version);
  // Copies a key or a value of the file's. MDB_CORRUPTED where it says to be larger than all of the file.
  int Copy(const MDB_val& value, std::string* copy) const;

 private:
  TableFile(std::string path, std::string name) : path_(std::move(path)), name_(std::move(name)) {}
  Status Open(const OpenTablesRequest& request);
  Status CheckSize();

  std::string path_;
  std::string name_;  // among those that are open
  int users_ = 0;
  MDB_env* env_ = nullptr;
  MDB_dbi dbi_ = 0;
  std::atomic<const char*> damage_ = nullptr;
  std::atomic<bool> is_writable_ = false;
};

}  // namespace tsbuild
