#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fs/sha256.h"
#include "fs/xattr.h"

namespace tsbuild {

// What a content digest was made of, entry by entry, in a file of its own: two of them tell what changed. Read by
// src/history/file-list.ts, where the form is described.
class TreeList {
 public:
  // A list that is there already is only marked as used, and then nothing has to be added.
  static bool Exists(const std::string& directory, const std::string& digest);

  struct Entry {
    mode_t mode;
    uid_t uid;
    gid_t gid;
    dev_t device;
    uint64_t size;
    const Sha256Bytes& content;
    std::string_view link;
    const std::vector<Xattr>& xattrs;
  };

  explicit TreeList(bool owners);

  void BeginSelection();
  // `path` is the one below the match, `/` for a matched directory.
  void Add(std::string_view path, const Entry& entry);
  // When it cannot be written there is none, no more: nobody needs it to build.
  void Save(const std::string& directory, const std::string& digest);

 private:
  bool full() const;
  void PutNumber(uint64_t value);
  void PutText(std::string_view text);

  const bool owners_;
  std::string bytes_;
  std::string previous_;
  uint32_t entries_ = 0;
  bool truncated_ = false;
};

}  // namespace tsbuild
