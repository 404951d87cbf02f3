#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/result.h"
#include "fs/copy_file.h"
#include "fs/directory.h"
#include "fs/job_watch.h"
#include "fs/mode_change.h"
#include "fs/source_tree.h"
#include "fs/task_pool.h"

namespace tsbuild {

struct CopyOptions {
  std::optional<Ownership> owner;  // absent: as in the source
  std::optional<mode_t> mode;
  const ModeChange* mode_change = nullptr;  // stands instead of `mode`
  // Relative to the copied directory. What `include` does not match is left out too; the directories above what it matches are made.
  const PatternProgram* include = nullptr;
  const PatternProgram* exclude = nullptr;
  SharedWatch watch;
};

// Copies one thing (a file, or a directory with all below it) from a source tree into another tree, as tonistiigi/fsutil's
// copy does for BuildKit: directories are merged, files replaced, hardlinks within one copy kept. The calling thread walks
// and makes directories; files are copied by the pool.
class TreeCopier {
 public:
  TreeCopier(const SourceTree& source, int target_root, const CopyOptions& options, TaskPool& pool);

  // Copies to exactly `target`, whose parent exists. An existing directory there keeps its owner and mode; those below it
  // take the source's. Returns when everything is done.
  Status Copy(const SourceMatch& match, const std::string& target);

  uint64_t files() const { return files_; }
  uint64_t bytes() const { return bytes_; }

 private:
  // A directory of the target. Its time is set when the last task in it is done: when nobody holds it any more.
  struct TargetDirectory {
    TreeCopier* copier;
    UniqueFd fd;
    std::string path;
    timespec mtime{};
    bool sets_group = false;

    TargetDirectory(TreeCopier* owner, UniqueFd descriptor, std::string where)
        : copier(owner), fd(std::move(descriptor)), path(std::move(where)) {}
    TargetDirectory(const TargetDirectory&) = delete;
    TargetDirectory& operator=(const TargetDirectory&) = delete;
    ~TargetDirectory();
  };
  using SharedTarget = std::shared_ptr<TargetDirectory>;

  // One directory of the walk.
  struct Frame {
    Frame* parent = nullptr;
    SharedFd source;
    struct stat status {};
    std::string source_path;  // from the source's root
    std::string relative;     // from the copied directory
    std::string target_path;  // from the target's root
    SharedTarget target;      // null until something in it is to be copied
    bool only_parent = false;  // not copied itself: there for what is in it
    PatternProgram::Carried ignored;
    PatternProgram::Carried included;
    PatternProgram::Carried excluded;
  };

  FileAttributes AttributesOf(const struct stat& status) const;
  Status CopyTop(const SourceMatch& match, const std::string& target);
  Status CopyEntries(Frame& frame);
  Status CopyEntry(Frame& frame, const DirectoryEntry& entry);
  Status EnsureTarget(Frame& frame);
  Status MakeTopTarget(Frame& frame);
  Status CopyOther(const SharedFd& source, const std::string& source_name, const struct stat& status,
                   const SharedTarget& target, const std::string& name);
  Status CopyFileOrLink(const SharedFd& source, const std::string& source_name, const struct stat& status,
                        const SharedTarget& target, const std::string& name);
  void Fail(Error error);

  const SourceTree& source_;
  const int target_root_;
  const CopyOptions& options_;
  TaskPool& pool_;
  std::map<std::pair<dev_t, ino_t>, std::string> links_;
  std::atomic<uint64_t> files_ = 0;
  std::atomic<uint64_t> bytes_ = 0;
  std::mutex error_mutex_;
  std::optional<Error> error_;
};

}  // namespace tsbuild
