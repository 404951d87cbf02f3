#include "tables/check_tables.h"

#include <lmdb.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "tables/check_pages.h"
#include "tables/guard.h"

namespace tsbuild {

namespace {

// What is read: plain data, since a jump runs no destructors.
struct Reading {
  MDB_env* env = nullptr;
  int code = 0;
  const char* call = "";
  const char* damage = nullptr;
  uint64_t version = 0;  // of the commit that was read
  uint64_t entries = 0;
  uint64_t sum = 0;
};

// In the order of a tables file: by bytes, the shorter first.
bool IsBefore(const MDB_val& a, const MDB_val& b) {
  int order = std::memcmp(a.mv_data, b.mv_data, std::min(a.mv_size, b.mv_size));
  return order < 0 || (order == 0 && a.mv_size < b.mv_size);
}

int CheckMapped(Reading* reading) {
  mdb_filehandle_t fd = -1;
  mdb_env_get_fd(reading->env, &fd);
  struct stat status;
  if (fstat(fd, &status) < 0) return errno;
  size_t size = static_cast<size_t>(status.st_size);
  void* data = mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  if (data == MAP_FAILED) return errno;
  reading->damage = CheckPages({static_cast<const unsigned char*>(data), size}, reading->version);
  munmap(data, size);
  return 0;
}

void ReadAll(const char* path, Reading* reading) {
  auto fails = [reading](int code, const char* call) {
    reading->code = code;
    reading->call = call;
    return code != 0;
  };
  if (fails(mdb_env_create(&reading->env), "mdb_env_create")) return;
  GuardAssertions(reading->env);
  if (fails(mdb_env_open(reading->env, path, MDB_NOSUBDIR | MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS, 0600), "mdb_env_open")) return;
  MDB_txn* txn = nullptr;
  MDB_dbi dbi = 0;
  MDB_cursor* cursor = nullptr;
  MDB_stat stat;
  if (fails(mdb_txn_begin(reading->env, nullptr, MDB_RDONLY, &txn), "mdb_txn_begin")) return;
  reading->version = mdb_txn_id(txn);
  if (fails(CheckMapped(reading), "mmap") || reading->damage != nullptr) return;
  if (fails(mdb_dbi_open(txn, nullptr, 0, &dbi), "mdb_dbi_open")) return;
  if (fails(mdb_stat(txn, dbi, &stat), "mdb_stat")) return;
  if (fails(mdb_cursor_open(txn, dbi, &cursor), "mdb_cursor_open")) return;
  MDB_val key;
  MDB_val value;
  MDB_val last{};
  // Pages that lead back to pages before them would be read for ever.
  while (reading->entries <= stat.ms_entries) {
    int code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    if (code == MDB_NOTFOUND) break;
    if (fails(code, "mdb_cursor_get")) return;
    // One that is out of order is not found.
    if (reading->entries > 0 && !IsBefore(last, key)) return void(fails(MDB_CORRUPTED, "mdb_cursor_get"));
    last = key;
    for (size_t i = 0; i < key.mv_size; i++) reading->sum += static_cast<unsigned char*>(key.mv_data)[i];
    for (size_t i = 0; i < value.mv_size; i++) reading->sum += static_cast<unsigned char*>(value.mv_data)[i];
    reading->entries++;
  }
  if (reading->entries != stat.ms_entries) fails(MDB_CORRUPTED, "mdb_cursor_get");
}

}  // namespace

Result<CheckTablesResult> CheckTables(const CheckTablesRequest& request) {
  struct stat status;
  if (stat(request.path.c_str(), &status) < 0) return Error::FromErrno("stat", request.path);
  CheckTablesResult result;
  if (!S_ISREG(status.st_mode)) {
    result.damage = "it is not a file";
    return result;
  }
  if (status.st_size == 0) {
    result.damage = "it is empty";
    return result;
  }
  // Others may commit meanwhile, and no lock keeps them from writing over what is read here: what they did is no damage.
  for (uint64_t version = ~0ull;;) {
    Reading reading;
    auto read = [&] { ReadAll(request.path.c_str(), &reading); };
    const char* left = Guarded(read);
    // What LMDB has in hands when it is left in the middle is not to be trusted.
    if (left == nullptr && reading.env != nullptr) mdb_env_close(reading.env);
    if (left == nullptr && reading.code > 0) return Error::WithErrno(reading.code, reading.call, request.path);
    const char* damage = left != nullptr ? left : reading.code < 0 ? mdb_strerror(reading.code) : reading.damage;
    if (damage == nullptr) return CheckTablesResult{"", reading.entries};
    if (reading.version == version) return CheckTablesResult{damage, reading.entries};
    version = reading.version;
  }
}

}  // namespace tsbuild
