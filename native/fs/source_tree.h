#pragma once

#include <sys/stat.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "fs/patterns.h"
#include "fs/resolve.h"
#include "fs/xattr.h"

namespace tsbuild {

// A tree that is read: a build context or another stage. What its patterns exclude does not exist for the reader.
struct SourceTree {
  int root = -1;
  PatternProgram ignore;
  // The ids in it belong to the user's machine and mean nothing in an image: everything counts as root's.
  bool owned_by_root = false;
  // As a checkout by git with umask 022 would give it: of a file's mode only whether its owner may run it counts, directories are
  // 0755, and there are neither attributes nor hardlinks.
  bool git_modes = false;

  // What stat(2) said, as the tree's reader is to see it.
  void Normalise(struct stat* status) const;
  Result<std::vector<Xattr>> ReadXattrs(int fd, const std::string& path_for_errors) const;
  Ownership OwnerOf(const struct stat& status) const;
};

// One thing that a COPY's source names.
struct SourceMatch {
  std::string named;  // as matched, relative to the root: its last part is the name that a copy takes
  std::string path;   // where that leads with symlinks followed
  struct stat status {};
};

struct SourceQuery {
  std::string path;  // absolute, cleaned; with `wildcard`, components may be patterns
  bool wildcard = false;
  bool follow_symlinks = false;
};

// What the query names, sorted; empty when nothing. As BuildKit resolves it: the part before the first pattern follows
// symlinks, what patterns match does not, and a matched directory is not looked into.
Result<std::vector<SourceMatch>> FindSources(const SourceTree& tree, const SourceQuery& query);

}  // namespace tsbuild
