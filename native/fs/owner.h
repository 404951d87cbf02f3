#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "fs/resolve.h"

namespace tsbuild {

// A name that the tree's /etc/passwd or /etc/group does not have.
struct UnknownOwner {
  bool group = false;
  std::string name;
  bool file_exists = false;
  std::vector<std::string> known;  // names that are there, as many as may help to find what was meant
};

struct ResolvedOwner {
  Ownership ownership;
  std::vector<UnknownOwner> unknown;
};

// Reads `user[:group]`, ids or names; names are looked up in the tree's own /etc/passwd and /etc/group. A user without a
// group has the group of its passwd entry, an id without a group the same number. As BuildKit has it
// (solver/llbsolver/file/user_linux.go), a user that is not found is root, a group that is not found changes nothing.
Result<ResolvedOwner> ResolveOwner(int root, const std::string& owner);

}  // namespace tsbuild
