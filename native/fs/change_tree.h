#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "fs/job_watch.h"
#include "fs/owner.h"
#include "mount/root_mount.h"

namespace tsbuild {

// src/native/types.ts, ChangeTreeRequest. An empty owner is root, or as in the source for a copy.

struct CopyAction {
  uint32_t source = 0;
  std::string src;
  std::string dest;
  std::string owner;
  std::optional<uint32_t> mode;
  std::string mode_change;
  bool follow_symlinks = false;
  bool dir_copy_contents = false;
  bool allow_wildcard = false;
  bool allow_empty_wildcard = false;
  bool create_dest_path = false;
  bool attempt_unpack = false;
  std::string include;
  std::string exclude;
};

struct MakeDirAction {
  std::string path;
  uint32_t mode = 0755;
  bool make_parents = false;
  std::string owner;
  std::optional<int64_t> mtime;  // seconds since 1970, of every directory that is made
};

struct MakeFileAction {
  std::string path;
  uint32_t mode = 0644;
  std::string data;
  std::string owner;
};

using TreeAction = std::variant<CopyAction, MakeDirAction, MakeFileAction>;

struct ChangeTreeSource {
  RootMount root;
  std::string ignore;
  bool owned_by_root = false;
  bool git_modes = false;  // as SourceTree::git_modes
};

struct ChangeTreeRequest {
  RootMount root;
  std::vector<ChangeTreeSource> sources;
  std::vector<TreeAction> actions;
  bool owners_must_exist = false;
  SharedWatch watch;  // counts what is written
};

struct ChangeTreeResult {
  uint64_t files = 0;
  uint64_t bytes = 0;
  std::vector<UnknownOwner> unknown_owners;  // each once
};

// Runs the actions in order: COPY, ADD, WORKDIR and heredocs, with the results of BuildKit's file op
// (solver/llbsolver/file/backend.go) and of the copy under it (tonistiigi/fsutil). Codes of its own: COPY_SOURCE_NOT_FOUND,
// COPY_TARGET_IS_DIRECTORY, COPY_TARGET_NOT_DIRECTORY, USER_NOT_FOUND, GROUP_NOT_FOUND, MODE_INVALID, and those of layer/ for archives.
Result<ChangeTreeResult> ChangeTree(const ChangeTreeRequest& request);

}  // namespace tsbuild
