#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>

namespace tsbuild {

// Hands values from one thread to another, a few at most on the way.
template <typename T>
class BoundedQueue {
 public:
  explicit BoundedQueue(size_t capacity) : capacity_(capacity) {}

  // Waits for room. False when the queue was abandoned: nobody will take this.
  bool Push(T value) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return items_.size() < capacity_ || abandoned_; });
    if (abandoned_) return false;
    items_.push_back(std::move(value));
    lock.unlock();
    ready_.notify_one();
    return true;
  }

  // Nothing: the other side has closed and everything is taken.
  std::optional<T> Pop() {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [this] { return !items_.empty() || closed_; });
    if (items_.empty()) return std::nullopt;
    T value = std::move(items_.front());
    items_.pop_front();
    lock.unlock();
    room_.notify_one();
    return value;
  }

  // No more will be pushed.
  void Close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    ready_.notify_all();
  }

  // No more will be taken.
  void Abandon() {
    std::lock_guard lock(mutex_);
    abandoned_ = true;
    items_.clear();
    room_.notify_all();
  }

 private:
  const size_t capacity_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::condition_variable room_;
  std::deque<T> items_;
  bool closed_ = false;
  bool abandoned_ = false;
};

}  // namespace tsbuild
