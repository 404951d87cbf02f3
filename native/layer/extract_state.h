#pragma once

#include <string>
#include <unordered_set>

#include "base/error.h"
#include "base/unique_fd.h"

namespace tsbuild {

// What an archive is unpacked into, and with it what its whiteouts mean.
enum class ExtractInto {
  kPlain,    // a tree that may hold anything; `.wh.` files are files (ADD)
  kOverlay,  // an empty directory that will be one lower of an overlay: whiteouts become overlayfs' own
  kBottom,   // an empty directory that stands on nothing: there is nothing to white out
  kMerged,   // a mounted overlay of all below and an empty upper: whiteouts remove
};

// What an unpacking has done so far; paths are free of symlinks.
struct ExtractState {
  int root = -1;
  ExtractInto into = ExtractInto::kPlain;
  bool needs_lowers = false;
  std::unordered_set<std::string> made;       // by this archive
  std::unordered_set<std::string> implied;    // directories of `made` that no entry has described yet (kOverlay)
  std::unordered_set<std::string> whiteouts;  // kOverlay

  // The tree was empty: it holds what this archive made and nothing else.
  bool fresh() const { return into == ExtractInto::kOverlay || into == ExtractInto::kBottom; }
};

struct ExtractDirectory {
  UniqueFd fd;
  bool sets_group = false;
};

inline Error TarPathEscapes(const std::string& path, const std::string& why) {
  return Error::Own("TAR_PATH_ESCAPES", why, path);
}

inline Error TarBadEntry(const std::string& path, const std::string& why) {
  return Error::Own("TAR_BAD_ENTRY", why, path);
}

}  // namespace tsbuild
