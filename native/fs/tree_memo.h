#pragma once

#include <sys/stat.h>

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "fs/sha256.h"
#include "fs/stat_cache.h"
#include "fs/xattr.h"

namespace tsbuild {

// What a look at a file or a directory found: everything of it that enters a digest.
struct SeenEntry {
  std::string name;
  unsigned char type = 0;  // DT_*
  bool asked = false;      // the rest is known, or will be when the tasks are done
  mode_t mode = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  dev_t device = 0;
  off_t size = 0;
  Sha256Bytes content{};
  std::string link;
  std::vector<Xattr> xattrs;

  void SetStatus(const struct stat& status) {
    mode = status.st_mode;
    uid = status.st_uid;
    gid = status.st_gid;
    device = status.st_rdev;
    size = status.st_size;
  }
};

// What several digests of one tree share: a directory that one of them has read, no other reads again. It is the tree as it was
// when it was first looked at; who has to know what it is now takes a new one.
struct TreeMemo {
  std::mutex busy;  // held by the digest that is being made
  // By path from the root, without links. Entries keep their addresses.
  std::unordered_map<std::string, std::vector<SeenEntry>> directories;
  std::unique_ptr<StatCache> stat_cache;
};

using SharedMemo = std::shared_ptr<TreeMemo>;

}  // namespace tsbuild
