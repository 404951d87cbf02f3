#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "tables/table_file.h"

namespace tsbuild {

struct TableEntry {
  std::string key;
  std::string value;
};

// A value to be written; none removes the key.
struct TableChange {
  std::string key;
  std::optional<std::string> value;
};

// Small records by key in one file that any number of processes share. Reads see the last commit and wait for nobody.
// Keys are ordered by their bytes, and at most 511 bytes long. One thread reads; commits may come from any.
class Tables {
 public:
  static Result<std::shared_ptr<Tables>> Open(const OpenTablesRequest& request);
  explicit Tables(TableFile::Shared file) : file_(std::move(file)) {}
  ~Tables();

  Result<std::optional<std::string>> Get(const std::string& key);
  // Those whose key starts with `prefix`, in order.
  Result<std::vector<TableEntry>> List(const std::string& prefix);
  // Counts the commits of all processes: what is read from now on holds at least that many.
  Result<uint64_t> Version();
  // Writes all changes or none, and waits until they are on disk; before that, until nobody else commits. With `expected`,
  // answers false and writes nothing when anybody has committed since that version.
  Result<bool> Commit(const std::vector<TableChange>& changes, std::optional<uint64_t> expected);

 private:
  friend class Reading;

  // `txn` is what there is to be aborted, however it ends.
  Result<bool> CommitIn(MDB_txn** txn, const std::vector<TableChange>& changes, std::optional<uint64_t> expected);
  int ListWith(MDB_cursor* cursor, const std::string& prefix, std::vector<TableEntry>* entries);

  TableFile::Shared file_;
  // Kept and renewed: a new one would look for a slot in the shared table of readers each time.
  MDB_txn* reader_ = nullptr;
};

struct CommitTablesRequest {
  std::shared_ptr<Tables> tables;
  std::vector<TableChange> changes;
  std::optional<uint64_t> expected;
};

Result<bool> CommitTables(const CommitTablesRequest& request);

}  // namespace tsbuild
