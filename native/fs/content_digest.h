#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fs/resolve.h"
#include "fs/sha256.h"
#include "fs/xattr.h"

namespace tsbuild {

// One file or directory whose content digest is asked for.
struct ContentNode {
  std::string name;
  mode_t mode = 0;
  // Of a directory its header's, of all else the whole digest. Filled in by a task.
  Sha256Bytes digest{};
  std::vector<ContentNode*> entries;  // of a directory that counts as a whole, by name
  std::optional<Sha256Bytes> whole;  // of a directory with all that is below it, once that was asked for
};

// One of a list that patterns chose.
struct ContentItem {
  std::string path;  // as matched
  ContentNode* node;
  bool is_top = false;  // no directory of the list is above it
  ContentNode* target = nullptr;  // where a symlink leads
};

// The forms in which BuildKit's cache/contenthash digests files, directories and lists; see HashContent.
std::string MakeContentHeader(const struct stat& status, Ownership owner, std::string_view link, const std::vector<Xattr>& xattrs);

Sha256Bytes DigestOf(std::string_view text);

// A directory's digest, of all that is below it.
Sha256Bytes DigestTree(ContentNode& node);

std::string DigestList(const std::vector<ContentItem>& items, std::string_view base_name);

}  // namespace tsbuild
