#include "fs/task_pool.h"

#include <algorithm>

namespace tsbuild {

unsigned WorkerCount() { return std::clamp(std::thread::hardware_concurrency(), 1u, 8u); }

TaskPool::TaskPool(unsigned threads, size_t capacity) : wanted_(std::max(1u, threads)), capacity_(capacity) {}

TaskPool::~TaskPool() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
    queue_.clear();
  }
  work_ready_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool TaskPool::Add(std::function<Status()> task) {
  std::unique_lock lock(mutex_);
  room_ready_.wait(lock, [this] { return queue_.size() < capacity_ || error_.has_value(); });
  if (error_.has_value()) return false;
  queue_.push_back(std::move(task));
  if (queue_.size() > asleep_ && threads_.size() < wanted_) {
    threads_.emplace_back([this] { Work(); });
  } else {
    work_ready_.notify_one();
  }
  return true;
}

Status TaskPool::Drain() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return queue_.empty() && running_ == 0; });
  if (error_.has_value()) return *error_;
  return Unit{};
}

void TaskPool::Work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    asleep_++;
    work_ready_.wait(lock, [this] { return ending_ || !queue_.empty(); });
    asleep_--;
    if (queue_.empty()) return;
    std::function<Status()> task = std::move(queue_.front());
    queue_.pop_front();
    running_++;
    lock.unlock();
    room_ready_.notify_one();
    Status status = task();
    task = nullptr;
    lock.lock();
    running_--;
    if (!status.ok() && !error_.has_value()) {
      error_ = std::move(status.error());
      queue_.clear();
      room_ready_.notify_all();
    }
    if (queue_.empty() && running_ == 0) idle_.notify_all();
  }
}

}  // namespace tsbuild
