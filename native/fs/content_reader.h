#pragma once

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "fs/content_digest.h"
#include "fs/directory.h"
#include "fs/hash_content.h"
#include "fs/source_tree.h"
#include "fs/stat_cache.h"
#include "fs/task_pool.h"

namespace tsbuild {

// Entries of a directory that are no directories, to be looked at by one task.
struct ContentBatch {
  // A task costs about as much as a small file.
  static constexpr size_t kMost = 32;

  SharedFd directory;
  std::string source_path;  // of the directory
  std::vector<std::pair<ContentNode*, std::string>> entries;
};

// Fills in the digests of nodes, in threads of its own; what the stat cache knows is not read.
class ContentReader {
 public:
  ContentReader(const HashContentRequest& request, const SourceTree& tree);

  // The nodes have to stay until Drain.
  void Submit(ContentBatch batch);
  // A directory's own digest, at once.
  Status ReadHeader(int fd, const std::string& source_path, ContentNode* node);
  // Waits until all that was submitted is looked at; the first error, if any.
  Status Drain() { return pool_.Drain(); }

  void SaveStats() { cache_.Save(); }
  // What was looked at and read, without digests.
  const HashContentResult& counts() const { return counts_; }

 private:
  Status LookAt(const ContentBatch& batch);
  Status HashFile(int directory, const std::string& name, const std::string& source_path, struct stat status,
                  ContentNode* node);
  Result<std::vector<Xattr>> ReadXattrs(int fd, const std::string& source_path) const;

  const HashContentRequest& request_;
  const SourceTree& tree_;
  StatCache cache_;
  std::mutex mutex_;  // guards the cache and the counts while tasks run
  HashContentResult counts_;
  TaskPool pool_;  // last: its threads end before what they use
};

}  // namespace tsbuild
