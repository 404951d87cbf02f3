#include "fs/find_paths.h"

#include "fs/mounted_root.h"
#include "fs/source_tree.h"

namespace tsbuild {

Result<FindPathsResult> FindPaths(const FindPathsRequest& request) {
  auto root = OpenRoot(request.root);
  if (!root.ok()) return std::move(root.error());
  auto ignore = PatternProgram::Parse(request.ignore);
  if (!ignore.ok()) return std::move(ignore.error());
  const SourceTree tree{root->get(), std::move(*ignore)};
  auto matches = FindSources(tree, {request.path, request.wildcard, request.follow_symlinks});
  if (!matches.ok()) return std::move(matches.error());
  FindPathsResult result;
  for (const SourceMatch& match : *matches) result.paths.append(match.named).push_back('\0');
  return result;
}

}  // namespace tsbuild
