#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "fs/job_watch.h"
#include "mount/root_mount.h"

namespace tsbuild {

struct ContentSelection {
  std::string path;
  bool wildcard = false;
  bool follow_symlinks = false;
  std::string include;
  std::string exclude;
};

struct HashContentRequest {
  RootMount root;
  std::vector<ContentSelection> selections;
  std::string ignore;
  // A directory of the user's machine: as BuildKit gets it from its client, all is root's, and the top directory has no attributes.
  bool local = false;
  bool git_modes = false;  // as SourceTree::git_modes
  std::string stat_cache_path;
  SharedWatch watch;  // counts what is read
};

struct HashContentResult {
  // One a selection; empty where it names nothing.
  std::vector<std::string> digests;
  uint64_t files = 0;
  uint64_t bytes_read = 0;
};

// The digests that BuildKit's content keys are made of (cache/contenthash), of each selection by itself:
//
// - A file's is the SHA-256 of its header and its bytes. The header is the members of a tar header, each its name followed by its
//   value, without the file's name and times: mode, ids, size, kind, link target, device, then the attributes sorted by name.
// - A directory's is that of `\0`, the digest of its own header, then for each entry by name `\0`, the name, the entry's digest.
// - Where patterns choose, that of a list: base name and digest of each file and each directory's header, in the order of the
//   walk, with `\0` between; of one that has the pattern's own base name, its digest as it is.
Result<HashContentResult> HashContent(const HashContentRequest& request);

}  // namespace tsbuild
