#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fs/sha256.h"

namespace tsbuild {

// Digests of files by what stat(2) says of them, kept in one flat file between runs. An entry stands for its file only while
// device, inode, size, mtime and ctime are all the same, and only when the file was already at rest when it was read: a file
// written in the same tick of the clock as it was hashed could change again without its times telling (git calls such
// entries racy). A file that is missing, cut short or damaged is an empty cache.
class StatCache {
 public:
  // Empty `path`: remembers nothing.
  explicit StatCache(std::string path);

  struct Entry {
    Sha256Bytes digest{};
    bool has_xattrs = false;
  };
  std::optional<Entry> Find(const struct stat& status);
  // `status` was taken before the content was read, at `read_at`.
  void Add(const struct stat& status, const timespec& read_at, const Entry& entry);
  // Writes a new file and moves it into place; when that fails, the next run hashes again, no more.
  void Save();

 private:
  // As it lies in the file, sorted by device and inode.
  struct Record {
    uint64_t device;
    uint64_t inode;
    uint64_t size;
    int64_t mtime_ns;
    int64_t ctime_ns;
    uint32_t used_day;  // days since the epoch
    uint32_t flags;
    uint8_t digest[32];
  };
  static_assert(sizeof(Record) == 80);

  void Load();

  std::string path_;
  uint32_t today_;
  std::vector<Record> records_;
  std::vector<Record> added_;
};

}  // namespace tsbuild
