#include "tables/tables.h"

namespace tsbuild {

namespace {

MDB_val ToVal(const std::string& text) { return {text.size(), const_cast<char*>(text.data())}; }

std::string ToString(const MDB_val& val) { return {static_cast<const char*>(val.mv_data), val.mv_size}; }

}  // namespace

// The reader's transaction for as long as this lives. What is read of it is copied: pages are reused later.
class Reading {
 public:
  explicit Reading(Tables& tables) : tables_(tables) {}
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;
  ~Reading() {
    if (begun_) mdb_txn_reset(tables_.reader_);
  }

  Status Begin() {
    int code = tables_.reader_ == nullptr
                   ? mdb_txn_begin(tables_.file_->env(), nullptr, MDB_RDONLY, &tables_.reader_)
                   : mdb_txn_renew(tables_.reader_);
    if (code != 0) return tables_.file_->Failure(code, "mdb_txn_begin");
    begun_ = true;
    return Unit{};
  }
  MDB_txn* txn() const { return tables_.reader_; }

 private:
  Tables& tables_;
  bool begun_ = false;
};

Result<std::shared_ptr<Tables>> Tables::Open(const OpenTablesRequest& request) {
  Result<TableFile::Shared> file = TableFile::Share(request);
  if (!file.ok()) return std::move(file.error());
  return std::make_shared<Tables>(std::move(file.value()));
}

Tables::~Tables() {
  if (reader_ != nullptr) mdb_txn_abort(reader_);
}

Result<std::optional<std::string>> Tables::Get(const std::string& key) {
  Reading reading(*this);
  TSB_TRY(reading.Begin());
  MDB_val name = ToVal(key);
  MDB_val value;
  int code = mdb_get(reading.txn(), file_->dbi(), &name, &value);
  if (code == MDB_NOTFOUND) return std::optional<std::string>();
  if (code != 0) return file_->Failure(code, "mdb_get");
  return std::optional<std::string>(ToString(value));
}

Result<std::vector<TableEntry>> Tables::List(const std::string& prefix) {
  Reading reading(*this);
  TSB_TRY(reading.Begin());
  MDB_cursor* cursor = nullptr;
  if (int code = mdb_cursor_open(reading.txn(), file_->dbi(), &cursor)) return file_->Failure(code, "mdb_cursor_open");
  std::vector<TableEntry> entries;
  MDB_val key = ToVal(prefix);
  MDB_val value;
  // No key is empty, and none may be looked for.
  int code = mdb_cursor_get(cursor, &key, &value, prefix.empty() ? MDB_FIRST : MDB_SET_RANGE);
  while (code == 0) {
    std::string name = ToString(key);
    if (!name.starts_with(prefix)) break;
    entries.push_back({std::move(name), ToString(value)});
    code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
  }
  mdb_cursor_close(cursor);
  if (code != 0 && code != MDB_NOTFOUND) return file_->Failure(code, "mdb_cursor_get");
  return entries;
}

// Not mdb_env_info's number: a commit shows there a moment before readers see it, and what is decided on what they still read
// would be taken for a decision on what was committed.
Result<uint64_t> Tables::Version() {
  Reading reading(*this);
  TSB_TRY(reading.Begin());
  return static_cast<uint64_t>(mdb_txn_id(reading.txn()));
}

Result<bool> Tables::Commit(const std::vector<TableChange>& changes, std::optional<uint64_t> expected) {
  MDB_txn* txn = nullptr;
  if (int code = mdb_txn_begin(file_->env(), nullptr, 0, &txn)) return file_->Failure(code, "mdb_txn_begin");
  // A writer's number is one more than that of the commit that it sees.
  if (expected && mdb_txn_id(txn) != *expected + 1) {
    mdb_txn_abort(txn);
    return false;
  }
  for (const TableChange& change : changes) {
    MDB_val key = ToVal(change.key);
    int code;
    if (change.value) {
      MDB_val value = ToVal(*change.value);
      code = mdb_put(txn, file_->dbi(), &key, &value, 0);
    } else {
      code = mdb_del(txn, file_->dbi(), &key, nullptr);
    }
    if (code == 0 || code == MDB_NOTFOUND) continue;
    mdb_txn_abort(txn);
    return file_->Failure(code, change.value ? "mdb_put" : "mdb_del");
  }
  if (int code = mdb_txn_commit(txn)) return file_->Failure(code, "mdb_txn_commit");
  return true;
}

Result<bool> CommitTables(const CommitTablesRequest& request) {
  return request.tables->Commit(request.changes, request.expected);
}

}  // namespace tsbuild
