#include "fs/stat_cache.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "base/unique_fd.h"

namespace tsbuild {

namespace {

constexpr char kMagic[8] = {'t', 's', 'b', 's', 't', 'a', 't', '1'};
constexpr uint32_t kHasXattrs = 1;
constexpr uint32_t kKeepDays = 30;
constexpr int64_t kSecond = 1'000'000'000;

struct Header {
  char magic[8];
  uint64_t count;
  uint8_t checksum[32];  // of the records
};
static_assert(sizeof(Header) == 48);

int64_t Nanoseconds(const timespec& time) { return static_cast<int64_t>(time.tv_sec) * kSecond + time.tv_nsec; }

// How long a file must have been at rest: some ticks of the kernel's clock, or two of the seconds that file systems
// without finer times count.
int64_t SafeMargin(int64_t time_ns) { return time_ns % kSecond == 0 ? 2 * kSecond : kSecond / 10; }

Sha256Bytes Checksum(const void* records, size_t size) {
  Sha256 hash;
  hash.Update(records, size);
  return hash.Finish();
}

}  // namespace

StatCache::StatCache(std::string path) : path_(std::move(path)) {
  today_ = static_cast<uint32_t>(time(nullptr) / 86400);
  if (!path_.empty()) Load();
}

void StatCache::Load() {
  UniqueFd fd(open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status;
  if (!fd || fstat(fd.get(), &status) < 0 || static_cast<size_t>(status.st_size) < sizeof(Header)) return;
  size_t size = static_cast<size_t>(status.st_size);
  void* map = mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd.get(), 0);
  if (map == MAP_FAILED) return;
  Header header;
  memcpy(&header, map, sizeof(header));
  const char* body = static_cast<const char*>(map) + sizeof(Header);
  size_t body_size = size - sizeof(Header);
  bool sound = memcmp(header.magic, kMagic, sizeof(kMagic)) == 0 && body_size % sizeof(Record) == 0 &&
               header.count == body_size / sizeof(Record);
  sound = sound && memcmp(Checksum(body, body_size).data(), header.checksum, sizeof(header.checksum)) == 0;
  if (sound) {
    records_.resize(header.count);
    memcpy(records_.data(), body, body_size);
  }
  munmap(map, size);
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

void StatCache::Save() {
  if (path_.empty() || added_.empty()) return;
  std::erase_if(records_, [this](const Record& record) { return record.used_day + kKeepDays < today_; });
  // The new ones first: of equal keys the first stays.
  added_.insert(added_.end(), records_.begin(), records_.end());
  auto before = [](const Record& a, const Record& b) {
    return std::pair(a.device, a.inode) < std::pair(b.device, b.inode);
  };
  std::stable_sort(added_.begin(), added_.end(), before);
  auto same = [](const Record& a, const Record& b) { return a.device == b.device && a.inode == b.inode; };
  added_.erase(std::unique(added_.begin(), added_.end(), same), added_.end());

  Header header{};
  memcpy(header.magic, kMagic, sizeof(kMagic));
  header.count = added_.size();
  Sha256Bytes checksum = Checksum(added_.data(), added_.size() * sizeof(Record));
  memcpy(header.checksum, checksum.data(), sizeof(header.checksum));
  std::string temporary = path_ + "." + std::to_string(getpid()) + "-" + std::to_string(gettid());
  FILE* file = fopen(temporary.c_str(), "we");
  if (file == nullptr) return;
  bool written = fwrite(&header, sizeof(header), 1, file) == 1 &&
                 fwrite(added_.data(), sizeof(Record), added_.size(), file) == added_.size();
  written = fclose(file) == 0 && written;
  if (!written || rename(temporary.c_str(), path_.c_str()) < 0) unlink(temporary.c_str());
}

}  // namespace tsbuild
