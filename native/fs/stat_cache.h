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
// entries racy). Nobody can set a ctime but by setting the clock: a file that was saved later than it is now is not believed.
// A file that is missing, cut short, damaged, too large or no file at all is an empty cache.
class StatCache {
 public:
  // Empty `path`: remembers nothing. `context` is the directory that is looked at, written down for people and for what cleans up.
  StatCache(std::string path, std::string context);

  struct Entry {
    Sha256Bytes digest{};
    bool has_xattrs = false;
  };
  std::optional<Entry> Find(const struct stat& status);
  // `status` was taken before the content was read, at `read_at`.
  void Add(const struct stat& status, const timespec& read_at, const Entry& entry);
  // Writes a new file and moves it into place, when anything was added; when that fails, the next run hashes again, no more. Entries that
  // nothing has asked for in 30 days go, and earlier where there are many more than this run needed.
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
  void DropUnused();
  bool WriteTo(int fd) const;

  std::string path_;
  std::string context_;
  uint32_t today_;
  size_t used_ = 0;
  std::vector<Record> records_;
  std::vector<Record> added_;
};

}  // namespace tsbuild
