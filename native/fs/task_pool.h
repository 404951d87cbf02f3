#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/result.h"

namespace tsbuild {

// How many threads heavy work may use.
unsigned WorkerCount();

// A few threads that run tasks which can fail. The queue is bounded, so whoever adds waits for room; the first error stops
// all that has not begun. Threads start with the first task: small work pays nothing.
class TaskPool {
 public:
  explicit TaskPool(unsigned threads = WorkerCount(), size_t capacity = 256);
  ~TaskPool();
  TaskPool(const TaskPool&) = delete;
  TaskPool& operator=(const TaskPool&) = delete;

  // False when a task has failed: the caller stops making more.
  bool Add(std::function<Status()> task);
  // Waits until everything added is done; the first error, if any.
  Status Drain();

 private:
  void Work();

  const unsigned wanted_;
  const size_t capacity_;
  std::mutex mutex_;
  std::condition_variable work_ready_;
  std::condition_variable room_ready_;
  std::condition_variable idle_;
  std::deque<std::function<Status()>> queue_;
  std::vector<std::thread> threads_;
  size_t running_ = 0;
  size_t asleep_ = 0;
  bool ending_ = false;
  std::optional<Error> error_;
};

}  // namespace tsbuild
