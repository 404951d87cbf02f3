#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "base/result.h"
#include "base/unique_fd.h"
#include "fs/task_pool.h"
#include "layer/extract_state.h"

namespace tsbuild {

// The directories that an archive's entries go into, a few of them kept open. None is opened through a symlink; where one is
// on the way it is followed by hand, inside the root.
class ExtractParents {
 public:
  using SharedDirectory = std::shared_ptr<ExtractDirectory>;

  // `tasks` may still be making what a name leads through.
  ExtractParents(ExtractState& state, TaskPool& tasks) : state_(state), tasks_(tasks) {}

  // Opens a parent, made with those above it where it is missing; `*path` becomes the one without symlinks. Null when the
  // layer turns out to lean on what is below it.
  Result<SharedDirectory> Open(std::string* path);
  // Takes a directory that was just made.
  SharedDirectory Remember(const std::string& path, UniqueFd fd, mode_t mode);
  // Something was removed: what is open may be gone.
  void Forget() { open_.clear(); }

 private:
  Result<SharedDirectory> OpenAndCache(const std::string& path);
  // Walks to a parent that is not simply there: makes what is missing, follows symlinks.
  Result<std::string> Resolve(const std::string& path);
  Status MakeImplied(int parent, const std::string& name, const std::string& path);

  ExtractState& state_;
  TaskPool& tasks_;
  std::unordered_map<std::string, SharedDirectory> open_;
};

}  // namespace tsbuild
