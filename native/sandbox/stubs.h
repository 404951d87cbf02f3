#pragma once

#include <sys/types.h>
#include <time.h>

#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace tsbuild {

// Mount points that had to be made inside the root. They are no work of the build step, so they go again after it, and
// the directories that held them look untouched: no stub ends up in a layer.
class Stubs {
 public:
  // `name` was just made in `parent`, which had this mtime before. Not kept when `parent` lies on another mount than `root`
  // (a cache mount, say): what is in there belongs to somebody else.
  void Remember(int root, int parent, const std::string& name, const timespec& mtime_before);

  // Takes away those that still are what was made, and empty; last made first, so that parents follow their children. To
  // be called from outside the container's mount namespace, where nothing is mounted on them.
  void Remove();

 private:
  struct Stub {
    UniqueFd parent;
    std::string name;
    ino_t inode;
    timespec mtime_before;  // of the parent, before the stub was made
    timespec mtime_after;
    bool is_directory;
  };

  std::vector<Stub> stubs_;
};

}  // namespace tsbuild
