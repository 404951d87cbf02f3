#include "tables/table_file.h"

#include <fcntl.h>

#include <sys/mman.h>
#include <sys/stat.h>

#include <climits>
#include <cstdlib>
#include <map>
#include <mutex>

#include "tables/check_pages.h"
#include "tables/check_tables.h"

namespace tsbuild {

namespace {

// Of a file of this size the pages are looked through in about 3 ms. A larger one is left to fsck: a build is not to cost what the store holds.
constexpr size_t kMaxCheckedBytes = 16 << 20;

// Held while a file is looked for, opened or closed: it is never two of these at once.
std::mutex open_mutex;
std::map<std::string, TableFile*> open_files;

}  // namespace

Result<TableFile::Shared> TableFile::Share(const OpenTablesRequest& request) {
  char real[PATH_MAX];
  if (realpath(request.directory.c_str(), real) == nullptr) return Error::FromErrno("realpath", request.directory);
  std::string path = std::string(real) + "/tables.mdb";
  std::string name = request.read_only ? path + " (read-only)" : path;
  std::lock_guard lock(open_mutex);
  auto known = open_files.find(name);
  if (known == open_files.end()) {
    std::unique_ptr<TableFile> file(new TableFile(path, name));
    TSB_TRY(file->Open(request));
    known = open_files.emplace(name, file.release()).first;
  }
  known->second->users_++;
  return Shared(known->second);
}

void TableFile::LetGo::operator()(TableFile* file) const {
  std::lock_guard lock(open_mutex);
  if (--file->users_ > 0) return;
  open_files.erase(file->name_);
  delete file;
}

Status TableFile::Open(const OpenTablesRequest& request) {
  if (int code = mdb_env_create(&env_)) return Failure(code, "mdb_env_create");
  GuardAssertions(env_);
  if (int code = mdb_env_set_mapsize(env_, request.map_size_bytes)) return Failure(code, "mdb_env_set_mapsize");
  // NOTLS: a read transaction belongs to its reader, not to a thread. NOMETASYNC: a commit waits for the disk once instead
  // of twice; a crash of the machine may undo the last commit, but never breaks the file. Never NOMEMINIT: a page would go to disk with
  // what its memory held before, and secrets of the build may have been there.
  unsigned flags = MDB_NOSUBDIR | MDB_NOTLS | (request.read_only ? MDB_RDONLY | MDB_NOLOCK : MDB_NOMETASYNC);
  int code = 0;
  TSB_TRY(Guard([&] { code = mdb_env_open(env_, path_.c_str(), flags, 0600); }));
  if (code != 0) return Failure(code, "mdb_env_open");
  // LMDB lets children inherit this one, and what runs in a container has no business with it.
  mdb_filehandle_t fd = -1;
  if ((code = mdb_env_get_fd(env_, &fd)) != 0) return Failure(code, "mdb_env_get_fd");
  if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) return Error::FromErrno("fcntl", path_);
  TSB_TRY(CheckSize());
  // Slots of readers that were killed.
  int stale = 0;
  if (!request.read_only) mdb_reader_check(env_, &stale);
  const char* call = "mdb_txn_begin";
  TSB_TRY(Guard([&] {
    MDB_txn* txn = nullptr;
    code = mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn);
    if (code != 0) return;
    call = "mdb_dbi_open";
    code = mdb_dbi_open(txn, nullptr, 0, &dbi_);
    mdb_txn_abort(txn);
  }));
  if (code != 0) return Failure(code, call);
  return Unit{};
}

// A file that was cut off would be a SIGBUS at the first page that is missing. Pages that were never written may be missing at the end of a
// sound file: so one that seems too short is read through, with care.
Status TableFile::CheckSize() {
  MDB_envinfo info;
  MDB_stat stat;
  TSB_TRY(Guard([&] {
    mdb_env_info(env_, &info);
    mdb_env_stat(env_, &stat);
  }));
  struct stat status;
  if (::stat(path_.c_str(), &status) < 0) return Error::FromErrno("stat", path_);
  if (static_cast<uint64_t>(status.st_size) >= (static_cast<uint64_t>(info.me_last_pgno) + 1) * stat.ms_psize) return Unit{};
  auto checked = CheckTables({path_});
  if (!checked.ok()) return std::move(checked.error());
  return checked->damage.empty() ? Status(Unit{}) : Status(Error::Own("TABLES_FAILED", checked->damage, path_));
}

TableFile::~TableFile() {
  // Closing looks at what is in hands.
  if (env_ != nullptr && damage_.load() == nullptr) mdb_env_close(env_);
}

Status TableFile::CheckBeforeWriting(uint64_t version) {
  if (is_writable_.load()) return Unit{};
  mdb_filehandle_t fd = -1;
  mdb_env_get_fd(env_, &fd);
  struct stat status;
  if (fstat(fd, &status) < 0) return Error::FromErrno("fstat", path_);
  size_t size = static_cast<size_t>(status.st_size);
  if (size > kMaxCheckedBytes) {
    is_writable_.store(true);
    return Unit{};
  }
  void* data = mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  if (data == MAP_FAILED) return Error::FromErrno("mmap", path_);
  const char* wrong = nullptr;
  Status checked = Guard([&] { wrong = CheckPages({static_cast<const unsigned char*>(data), size}, version); });
  munmap(data, size);
  TSB_TRY(std::move(checked));
  if (wrong != nullptr) return Error::Own("TABLES_FAILED", wrong, path_);
  is_writable_.store(true);
  return Unit{};
}

int TableFile::Copy(const MDB_val& value, std::string* copy) const {
  MDB_envinfo info;
  MDB_stat stat;
  mdb_env_info(env_, &info);
  mdb_env_stat(env_, &stat);
  if (value.mv_size > (info.me_last_pgno + 1) * stat.ms_psize) return MDB_CORRUPTED;
  copy->assign(static_cast<const char*>(value.mv_data), value.mv_size);
  return 0;
}

Error TableFile::Failure(int code, const char* call) const {
  if (code > 0) return Error::WithErrno(code, call, path_);
  if (code == MDB_MAP_FULL) return Error::WithErrno(ENOSPC, call, path_);
  return Error::Own("TABLES_FAILED", std::string(call) + ": " + mdb_strerror(code), path_);
}

}  // namespace tsbuild
