#include "tables/guard.h"

#include <setjmp.h>
#include <signal.h>

#include <mutex>

namespace tsbuild {

namespace {

// The place to go back to while this thread reads what may be damaged.
thread_local sigjmp_buf* guard = nullptr;
struct sigaction old_bus;
struct sigaction old_segv;
std::once_flag installed;

void OnSignal(int number, siginfo_t* info, void* context) {
  if (guard != nullptr) siglongjmp(*guard, number);
  const struct sigaction& old = number == SIGBUS ? old_bus : old_segv;
  // Node's own handler may mend it and go on.
  if ((old.sa_flags & SA_SIGINFO) != 0) return old.sa_sigaction(number, info, context);
  // The next run of the instruction meets whoever was there before.
  sigaction(number, &old, nullptr);
}

void Install() {
  struct sigaction action {};
  action.sa_sigaction = OnSignal;
  // NODEFER: a jump out of the handler leaves no signal blocked.
  action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, &old_bus);
  sigaction(SIGSEGV, &action, &old_segv);
}

void OnAssertion(MDB_env*, const char*) {
  if (guard != nullptr) siglongjmp(*guard, SIGABRT);
}

}  // namespace

void GuardAssertions(MDB_env* env) { mdb_env_set_assert(env, OnAssertion); }

const char* RunGuarded(void (*work)(void*), void* data) {
  std::call_once(installed, Install);
  sigjmp_buf here;
  int caught = sigsetjmp(here, 0);
  if (caught == 0) {
    guard = &here;
    work(data);
  }
  guard = nullptr;
  if (caught == 0) return nullptr;
  if (caught == SIGBUS) return "it is shorter than what it holds";
  return caught == SIGSEGV ? "its pages lead nowhere" : "its pages contradict each other";
}

}  // namespace tsbuild
