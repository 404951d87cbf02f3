#include "tables/tables.h"

namespace tsbuild {

namespace {

MDB_val ToVal(const std::string& text) { return {text.size(), const_cast<char*>(text.data())}; }

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

  // Runs `work(txn)`, which may be left at any point where the file is damaged; what it answers that is not 0 is the failure of `*call`.
  template <typename Work>
  Status Run(const char** call, Work work) {
    int code = 0;
    TSB_TRY(tables_.file_->Guard([&] {
      code = tables_.reader_ == nullptr ? mdb_txn_begin(tables_.file_->env(), nullptr, MDB_RDONLY, &tables_.reader_)
                                        : mdb_txn_renew(tables_.reader_);
      if (code != 0) return;
      begun_ = true;
      code = work(tables_.reader_);
    }));
    if (code != 0) return tables_.file_->Failure(code, begun_ ? *call : "mdb_txn_begin");
    return Unit{};
  }

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
  std::optional<std::string> found;
  const char* call = "mdb_get";
  TSB_TRY(Reading(*this).Run(&call, [&](MDB_txn* txn) {
    MDB_val name = ToVal(key);
    MDB_val value;
    int code = mdb_get(txn, file_->dbi(), &name, &value);
    if (code == MDB_NOTFOUND) return 0;
    return code != 0 ? code : file_->Copy(value, &found.emplace());
  }));
  return found;
}

Result<std::vector<TableEntry>> Tables::List(const std::string& prefix) {
  std::vector<TableEntry> entries;
  const char* call = "mdb_cursor_open";
  TSB_TRY(Reading(*this).Run(&call, [&](MDB_txn* txn) {
    MDB_cursor* cursor = nullptr;
    if (int code = mdb_cursor_open(txn, file_->dbi(), &cursor)) return code;
    call = "mdb_cursor_get";
    int code = ListWith(cursor, prefix, &entries);
    mdb_cursor_close(cursor);
    return code;
  }));
  return entries;
}

int Tables::ListWith(MDB_cursor* cursor, const std::string& prefix, std::vector<TableEntry>* entries) {
  MDB_stat stat;
  if (int code = mdb_stat(mdb_cursor_txn(cursor), file_->dbi(), &stat)) return code;
  MDB_val key = ToVal(prefix);
  MDB_val value;
  // No key is empty, and none may be looked for.
  int code = mdb_cursor_get(cursor, &key, &value, prefix.empty() ? MDB_FIRST : MDB_SET_RANGE);
  for (; code == 0; code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
    TableEntry entry;
    if ((code = file_->Copy(key, &entry.key)) != 0) return code;
    if (!entry.key.starts_with(prefix)) return 0;
    if ((code = file_->Copy(value, &entry.value)) != 0) return code;
    // Pages that lead back to pages before them would be read for ever.
    if (entries->size() == stat.ms_entries) return MDB_CORRUPTED;
    entries->push_back(std::move(entry));
  }
  return code == MDB_NOTFOUND ? 0 : code;
}

// Not mdb_env_info's number: a commit shows there a moment before readers see it, and what is decided on what they still read
// would be taken for a decision on what was committed.
Result<uint64_t> Tables::Version() {
  uint64_t version = 0;
  const char* call = "mdb_txn_id";
  TSB_TRY(Reading(*this).Run(&call, [&](MDB_txn* txn) {
    version = static_cast<uint64_t>(mdb_txn_id(txn));
    return 0;
  }));
  return version;
}

Result<bool> Tables::Commit(const std::vector<TableChange>& changes, std::optional<uint64_t> expected) {
  MDB_txn* txn = nullptr;
  Result<bool> written = CommitIn(&txn, changes, expected);
  // Also where it was left in its middle: others wait for the lock that it has.
  auto abort = [&] { mdb_txn_abort(txn); };
  if (txn != nullptr) Guarded(abort);
  return written;
}

Result<bool> Tables::CommitIn(MDB_txn** txn, const std::vector<TableChange>& changes, std::optional<uint64_t> expected) {
  int code = 0;
  TSB_TRY(file_->Guard([&] { code = mdb_txn_begin(file_->env(), nullptr, 0, txn); }));
  if (code != 0) return file_->Failure(code, "mdb_txn_begin");
  // A writer's number is one more than that of the commit that it sees.
  uint64_t seen = mdb_txn_id(*txn) - 1;
  if (expected && seen != *expected) return false;
  TSB_TRY(file_->CheckBeforeWriting(seen));
  const char* call = "";
  TSB_TRY(file_->Guard([&] {
    for (const TableChange& change : changes) {
      call = change.value ? "mdb_put" : "mdb_del";
      MDB_val key = ToVal(change.key);
      MDB_val value = change.value ? ToVal(*change.value) : MDB_val{};
      code = change.value ? mdb_put(*txn, file_->dbi(), &key, &value, 0) : mdb_del(*txn, file_->dbi(), &key, nullptr);
      if (code == MDB_NOTFOUND) code = 0;
      if (code != 0) return;
    }
    call = "mdb_txn_commit";
    code = mdb_txn_commit(*txn);
    // Whatever it answered.
    *txn = nullptr;
  }));
  if (code != 0) return file_->Failure(code, call);
  return true;
}

Result<bool> CommitTables(const CommitTablesRequest& request) {
  return request.tables->Commit(request.changes, request.expected);
}

}  // namespace tsbuild
