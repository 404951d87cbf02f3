#include "tables/check_tables.h"

#include <lmdb.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/stat.h>

#include <mutex>

namespace tsbuild {

namespace {

// The place to go back to while this thread reads what may be damaged.
thread_local sigjmp_buf* guard = nullptr;
struct sigaction old_bus;
struct sigaction old_segv;
std::mutex check_mutex;

void OnSignal(int number, siginfo_t*, void*) {
  if (guard != nullptr) siglongjmp(*guard, number);
  // Not ours: the next run of the instruction meets whoever was there before.
  sigaction(number, number == SIGBUS ? &old_bus : &old_segv, nullptr);
}

// What is read: plain data, since a jump runs no destructors.
struct Reading {
  MDB_env* env = nullptr;
  int code = 0;
  const char* call = "";
  uint64_t entries = 0;
  uint64_t sum = 0;
};

void ReadAll(const char* path, Reading* reading) {
  auto fails = [reading](int code, const char* call) {
    reading->code = code;
    reading->call = call;
    return code != 0;
  };
  if (fails(mdb_env_create(&reading->env), "mdb_env_create")) return;
  if (fails(mdb_env_open(reading->env, path, MDB_NOSUBDIR | MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS, 0600), "mdb_env_open")) return;
  MDB_txn* txn = nullptr;
  MDB_dbi dbi = 0;
  MDB_cursor* cursor = nullptr;
  MDB_stat stat;
  if (fails(mdb_txn_begin(reading->env, nullptr, MDB_RDONLY, &txn), "mdb_txn_begin")) return;
  if (fails(mdb_dbi_open(txn, nullptr, 0, &dbi), "mdb_dbi_open")) return;
  if (fails(mdb_stat(txn, dbi, &stat), "mdb_stat")) return;
  if (fails(mdb_cursor_open(txn, dbi, &cursor), "mdb_cursor_open")) return;
  MDB_val key;
  MDB_val value;
  // Pages that lead back to pages before them would be read for ever.
  while (reading->entries <= stat.ms_entries) {
    int code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    if (code == MDB_NOTFOUND) break;
    if (fails(code, "mdb_cursor_get")) return;
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
  std::lock_guard lock(check_mutex);
  struct sigaction action {};
  action.sa_sigaction = OnSignal;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, &old_bus);
  sigaction(SIGSEGV, &action, &old_segv);
  // Volatile by its place: not on this frame's registers after a jump.
  auto* reading = new Reading();
  sigjmp_buf here;
  int caught = sigsetjmp(here, 1);
  if (caught == 0) {
    guard = &here;
    ReadAll(request.path.c_str(), reading);
  }
  guard = nullptr;
  sigaction(SIGBUS, &old_bus, nullptr);
  sigaction(SIGSEGV, &old_segv, nullptr);
  if (caught != 0) {
    result.damage = caught == SIGBUS ? "it is shorter than what it holds" : "its pages lead nowhere";
    // What LMDB had in hands is left: nothing of it can be trusted.
    delete reading;
    return result;
  }
  if (reading->code > 0) {
    Error error = Error::WithErrno(reading->code, reading->call, request.path);
    if (reading->env != nullptr) mdb_env_close(reading->env);
    delete reading;
    return error;
  }
  if (reading->code < 0) result.damage = mdb_strerror(reading->code);
  result.entries = reading->entries;
  if (reading->env != nullptr) mdb_env_close(reading->env);
  delete reading;
  return result;
}

}  // namespace tsbuild
