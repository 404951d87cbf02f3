#include "fs/stat_cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "base/unique_fd.h"

namespace tsbuild {

namespace {

constexpr char kMagic[8] = {'t', 's', 'b', 's', 't', 'a', 't', '2'};
constexpr uint32_t kHasXattrs = 1;
constexpr uint32_t kKeepDays = 30;
constexpr int64_t kSecond = 1'000'000'000;
// Entries that are kept although this run did not need them, when they are more than it needed.
constexpr size_t kSpare = 250'000;
// A larger file is none of ours: 320 MB.
constexpr size_t kMaxRecords = 4'000'000;

// Then the context's path, padded with zeros to a multiple of 8 bytes, then the records.
struct Header {
  char magic[8];
  uint64_t count;
  int64_t saved_ns;
  uint64_t context_size;
  uint8_t checksum[32];  // of what follows
};
static_assert(sizeof(Header) == 64);

size_t Padded(size_t size) { return (size + 7) / 8 * 8; }

int64_t Nanoseconds(const timespec& time) { return static_cast<int64_t>(time.tv_sec) * kSecond + time.tv_nsec; }

// How long a file must have been at rest: some ticks of the kernel's clock, or two of the seconds that file systems
// without finer times count.
int64_t SafeMargin(int64_t time_ns) { return time_ns % kSecond == 0 ? 2 * kSecond : kSecond / 10; }

int64_t Now() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return Nanoseconds(now);
}

bool ReadAll(int fd, void* buffer, size_t size) {
  char* at = static_cast<char*>(buffer);
  while (size > 0) {
    ssize_t n = read(fd, at, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    at += n;
    size -= static_cast<size_t>(n);
  }
  return true;
}

bool WriteAll(int fd, const void* buffer, size_t size) {
  const char* at = static_cast<const char*>(buffer);
  while (size > 0) {
    ssize_t n = write(fd, at, size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    at += n;
    size -= static_cast<size_t>(n);
  }
  return true;
}

}  // namespace

StatCache::StatCache(std::string path, std::string context) : path_(std::move(path)), context_(std::move(context)) {
  today_ = static_cast<uint32_t>(time(nullptr) / 86400);
  if (!path_.empty()) Load();
}

void StatCache::Load() {
  // Read, not mapped: a map of a file that somebody cuts short ends the process.
  UniqueFd fd(open(path_.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat status;
  if (!fd || fstat(fd.get(), &status) < 0 || !S_ISREG(status.st_mode)) return;
  size_t size = static_cast<size_t>(status.st_size);
  Header header;
  if (size < sizeof(header) || !ReadAll(fd.get(), &header, sizeof(header))) return;
  std::string context(Padded(context_.size()), '\0');
  if (memcmp(header.magic, kMagic, sizeof(kMagic)) != 0 || header.count > kMaxRecords || header.saved_ns > Now() ||
      header.context_size != context_.size() ||
      size != sizeof(header) + context.size() + header.count * sizeof(Record) ||
      !ReadAll(fd.get(), context.data(), context.size()) || context.compare(0, context_.size(), context_) != 0) {
    return;
  }
  std::vector<Record> records(header.count);
  if (!ReadAll(fd.get(), records.data(), records.size() * sizeof(Record))) return;
  Sha256 hash;
  hash.Update(context.data(), context.size());
  hash.Update(records.data(), records.size() * sizeof(Record));
  if (memcmp(hash.Finish().data(), header.checksum, sizeof(header.checksum)) == 0) records_ = std::move(records);
}

std::optional<StatCache::Entry> StatCache::Find(const struct stat& status) {
  auto key = std::pair<uint64_t, uint64_t>(status.st_dev, status.st_ino);
  auto found = std::lower_bound(records_.begin(), records_.end(), key, [](const Record& record, const auto& wanted) {
    return std::pair(record.device, record.inode) < wanted;
  });
  if (found == records_.end() || found->device != key.first || found->inode != key.second) return std::nullopt;
  if (found->size != static_cast<uint64_t>(status.st_size) || found->mtime_ns != Nanoseconds(status.st_mtim) ||
      found->ctime_ns != Nanoseconds(status.st_ctim)) {
    return std::nullopt;
  }
  found->used_day = today_;
  used_++;
  Entry entry;
  memcpy(entry.digest.data(), found->digest, sizeof(found->digest));
  entry.has_xattrs = (found->flags & kHasXattrs) != 0;
  return entry;
}

void StatCache::Add(const struct stat& status, const timespec& read_at, const Entry& entry) {
  if (path_.empty()) return;
  int64_t mtime = Nanoseconds(status.st_mtim);
  int64_t ctime = Nanoseconds(status.st_ctim);
  int64_t now = Nanoseconds(read_at);
  if (mtime > now - SafeMargin(mtime) || ctime > now - SafeMargin(ctime)) return;
  Record record{};
  record.device = status.st_dev;
  record.inode = status.st_ino;
  record.size = static_cast<uint64_t>(status.st_size);
  record.mtime_ns = mtime;
  record.ctime_ns = ctime;
  record.used_day = today_;
  record.flags = entry.has_xattrs ? kHasXattrs : 0;
  memcpy(record.digest, entry.digest.data(), sizeof(record.digest));
  added_.push_back(record);
}

// Of files that are gone, nothing asks any more; but a build that reads a part of the context asks for that part only.
void StatCache::DropUnused() {
  std::erase_if(added_, [this](const Record& record) { return record.used_day + kKeepDays < today_; });
  size_t limit = std::min(kMaxRecords, std::max(kSpare, 2 * used_));
  if (added_.size() <= limit) return;
  auto later = [](const Record& a, const Record& b) { return a.used_day > b.used_day; };
  std::stable_sort(added_.begin(), added_.end(), later);
  added_.resize(limit);
}

void StatCache::Save() {
  if (path_.empty() || added_.empty()) return;
  used_ += added_.size();
  // The new ones first: of equal keys the first stays.
  added_.insert(added_.end(), records_.begin(), records_.end());
  auto key = [](const Record& record) { return std::pair(record.device, record.inode); };
  auto before = [key](const Record& a, const Record& b) { return key(a) < key(b); };
  std::stable_sort(added_.begin(), added_.end(), before);
  auto same = [key](const Record& a, const Record& b) { return key(a) == key(b); };
  added_.erase(std::unique(added_.begin(), added_.end(), same), added_.end());
  DropUnused();
  std::sort(added_.begin(), added_.end(), before);
  // Later looks through the same memory find what this one has added.
  records_ = std::exchange(added_, {});

  // One name for all processes, so that the next one clears up after one that was killed; who finds it taken does without.
  std::string temporary = path_ + ".new";
  UniqueFd fd(open(temporary.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
  if (!fd || flock(fd.get(), LOCK_EX | LOCK_NB) < 0) return;
  struct stat locked;
  struct stat named;
  bool ours = fstat(fd.get(), &locked) == 0 && S_ISREG(locked.st_mode) && lstat(temporary.c_str(), &named) == 0 &&
              locked.st_ino == named.st_ino && locked.st_dev == named.st_dev;
  // It was moved into place by another process meanwhile: it is no temporary file any more.
  if (!ours) return;
  bool written = ftruncate(fd.get(), 0) == 0 && WriteTo(fd.get());
  if (!written || rename(temporary.c_str(), path_.c_str()) < 0) unlink(temporary.c_str());
}

bool StatCache::WriteTo(int fd) const {
  std::string context = context_;
  context.resize(Padded(context_.size()), '\0');
  Header header{};
  memcpy(header.magic, kMagic, sizeof(kMagic));
  header.count = records_.size();
  header.saved_ns = Now();
  header.context_size = context_.size();
  Sha256 hash;
  hash.Update(context.data(), context.size());
  hash.Update(records_.data(), records_.size() * sizeof(Record));
  memcpy(header.checksum, hash.Finish().data(), sizeof(header.checksum));
  return WriteAll(fd, &header, sizeof(header)) && WriteAll(fd, context.data(), context.size()) &&
         WriteAll(fd, records_.data(), records_.size() * sizeof(Record));
}

}  // namespace tsbuild
