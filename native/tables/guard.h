#pragma once

#include <lmdb.h>

namespace tsbuild {

// LMDB believes what its file says: a page number that leads out of the file is a signal of the kernel's, and pages that contradict each other
// are an assertion that ends the process. Here both are answers.

// Makes the assertions of `env` end the guarded work that they fail in, and not the process.
void GuardAssertions(MDB_env* env);

// Runs `work`. Answers nullptr, or why it was left at some point: then none of its destructors ran, and what LMDB had in hands is not to be
// trusted. Signals of this thread outside of `work`, and those of other threads, go to whoever had them before.
const char* RunGuarded(void (*work)(void*), void* data);

template <typename Work>
const char* Guarded(Work& work) {
  return RunGuarded([](void* data) { (*static_cast<Work*>(data))(); }, &work);
}

}  // namespace tsbuild
