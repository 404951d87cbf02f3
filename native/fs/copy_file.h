#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>

#include "base/result.h"
#include "fs/job_watch.h"
#include "fs/resolve.h"

namespace tsbuild {

// Where a file goes: an open directory, the name in it, and what is known about the directory.
struct FileTarget {
  int directory = -1;
  const std::string& name;
  const std::string& path;  // for errors
  // The directory has the set-group-id bit: the group must be set even where it would be right by itself.
  bool sets_group = false;
};

struct FileAttributes {
  Ownership owner;
  mode_t mode = 0;  // permission bits, set-id bits and sticky
  timespec mtime{};
  bool keep_xattrs = true;
};

// Makes a new regular file and returns it open for writing. A file of that name is replaced, a directory is
// `COPY_TARGET_IS_DIRECTORY`. The mode is already right but for the bits that writing clears; FinishFile sets those.
Result<int> CreateFile(const FileTarget& target, mode_t mode);
// Owner, then the mode (chown clears set-id bits), then the time.
Status FinishFile(int fd, const FileTarget& target, const FileAttributes& attributes);

// Copies a regular file with the image's xattrs, where they are kept: its content is shared where the file system can, and holes are kept. Returns the
// bytes copied; the watch counts them on the way.
Result<uint64_t> CopyRegularFile(int source_directory, const std::string& source_name, const struct stat& status,
                                 const FileTarget& target, const FileAttributes& attributes, const SharedWatch& watch);

// Makes way for something that is not a directory: removes what is there, `COPY_TARGET_IS_DIRECTORY` for a directory.
Status RemoveInTheWay(const FileTarget& target);

}  // namespace tsbuild
