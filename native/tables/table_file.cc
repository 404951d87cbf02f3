#include "tables/table_file.h"

#include <fcntl.h>

#include <climits>
#include <cstdlib>
#include <map>
#include <mutex>

namespace tsbuild {

namespace {

// Held while a file is looked for, opened or closed: it is never two of these at once.
std::mutex open_mutex;
std::map<std::string, TableFile*> open_files;

}  // namespace

Result<TableFile::Shared> TableFile::Share(const OpenTablesRequest& request) {
  char real[PATH_MAX];
  if (realpath(request.directory.c_str(), real) == nullptr) return Error::FromErrno("realpath", request.directory);
  std::string path = std::string(real) + "/tables.mdb";
  std::lock_guard lock(open_mutex);
  auto known = open_files.find(path);
  if (known == open_files.end()) {
    std::unique_ptr<TableFile> file(new TableFile(path));
    TSB_TRY(file->Open(request.map_size_bytes));
    known = open_files.emplace(path, file.release()).first;
  }
  known->second->users_++;
  return Shared(known->second);
}

void TableFile::LetGo::operator()(TableFile* file) const {
  std::lock_guard lock(open_mutex);
  if (--file->users_ > 0) return;
  open_files.erase(file->path_);
  delete file;
}

Status TableFile::Open(uint64_t map_size_bytes) {
  if (int code = mdb_env_create(&env_)) return Failure(code, "mdb_env_create");
  if (int code = mdb_env_set_mapsize(env_, map_size_bytes)) return Failure(code, "mdb_env_set_mapsize");
  // NOTLS: a read transaction belongs to its reader, not to a thread. NOMETASYNC: a commit waits for the disk once instead
  // of twice; a crash of the machine may undo the last commit, but never breaks the file. Never NOMEMINIT: a page would go to disk with
  // what its memory held before, and secrets of the build may have been there.
  unsigned flags = MDB_NOSUBDIR | MDB_NOTLS | MDB_NOMETASYNC;
  if (int code = mdb_env_open(env_, path_.c_str(), flags, 0600)) return Failure(code, "mdb_env_open");
  // LMDB lets children inherit this one, and what runs in a container has no business with it.
  mdb_filehandle_t fd = -1;
  if (int code = mdb_env_get_fd(env_, &fd)) return Failure(code, "mdb_env_get_fd");
  if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) return Error::FromErrno("fcntl", path_);
  // Slots of readers that were killed.
  int stale = 0;
  mdb_reader_check(env_, &stale);
  MDB_txn* txn = nullptr;
  if (int code = mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn)) return Failure(code, "mdb_txn_begin");
  int code = mdb_dbi_open(txn, nullptr, 0, &dbi_);
  mdb_txn_abort(txn);
  if (code != 0) return Failure(code, "mdb_dbi_open");
  return Unit{};
}

TableFile::~TableFile() {
  if (env_ != nullptr) mdb_env_close(env_);
}

Error TableFile::Failure(int code, const char* call) const {
  if (code > 0) return Error::WithErrno(code, call, path_);
  if (code == MDB_MAP_FULL) return Error::WithErrno(ENOSPC, call, path_);
  return Error::Own("TABLES_FAILED", std::string(call) + ": " + mdb_strerror(code), path_);
}

}  // namespace tsbuild
