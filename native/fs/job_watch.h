#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/result.h"

namespace tsbuild {

// What others see of a long job while it runs, and how they end it.
struct JobWatch {
  std::atomic<uint64_t> files = 0;
  std::atomic<uint64_t> bytes = 0;
  std::atomic<bool> cancelled = false;
};

// Absent where nobody looks.
using SharedWatch = std::shared_ptr<JobWatch>;

// ECANCELED once the job is to end.
inline Status CheckCancelled(const SharedWatch& watch) {
  if (watch != nullptr && watch->cancelled.load(std::memory_order_relaxed)) return Error::WithErrno(ECANCELED, "watch");
  return Unit{};
}

inline void CountBytes(const SharedWatch& watch, uint64_t bytes) {
  if (watch != nullptr) watch->bytes.fetch_add(bytes, std::memory_order_relaxed);
}

inline void CountFiles(const SharedWatch& watch, uint64_t files) {
  if (watch != nullptr) watch->files.fetch_add(files, std::memory_order_relaxed);
}

}  // namespace tsbuild
