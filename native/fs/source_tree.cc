#include "fs/source_tree.h"

#include <dirent.h>
#include <fcntl.h>

#include "fs/directory.h"
#include "fs/wildcard.h"

namespace tsbuild {

namespace {

// Whether something below an excluded directory is included again, which makes the directory exist after all.
Result<bool> HasIncluded(const SourceTree& tree, const std::string& path, const PatternProgram::Carried& carried) {
  auto fd = OpenBeneath(tree.root, path, O_RDONLY | O_DIRECTORY);
  if (!fd.ok()) return std::move(fd.error());
  auto entries = ReadDirectory(fd->get(), path);
  if (!entries.ok()) return std::move(entries.error());
  for (const DirectoryEntry& entry : *entries) {
    std::string child = JoinPath(path, entry.name);
    PatternProgram::Verdict verdict = tree.ignore.Judge(child, carried);
    if (!verdict.excluded) return true;
    struct stat status;
    if (fstatat(fd->get(), entry.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0) return Error::FromErrno("stat", child);
    if (!S_ISDIR(status.st_mode)) continue;
    auto below = HasIncluded(tree, child, verdict.carried);
    if (!below.ok() || *below) return below;
  }
  return false;
}

Result<bool> IsVisible(const SourceTree& tree, const std::string& path, bool directory) {
  if (tree.ignore.empty() || path.empty()) return true;
  PatternProgram::Verdict verdict = tree.ignore.JudgeFromRoot(path);
  if (!verdict.excluded) return true;
  if (!directory || !tree.ignore.has_negations()) return false;
  return HasIncluded(tree, path, verdict.carried);
}

// Adds what `named` leads to, if it exists and is not ignored.
Status AddMatch(const SourceTree& tree, const std::string& named, bool follow, std::vector<SourceMatch>* out) {
  auto resolved = ResolveInRoot(tree.root, named, follow);
  if (!resolved.ok()) {
    if (resolved.error().error_number == ENOTDIR) return Unit{};
    return std::move(resolved.error());
  }
  if (!resolved->exists) return Unit{};
  bool directory = S_ISDIR(resolved->status.st_mode);
  auto visible = IsVisible(tree, resolved->path, directory);
  if (!visible.ok()) return std::move(visible.error());
  if (*visible && resolved->path != named) {
    visible = IsVisible(tree, named, directory && follow);
    if (!visible.ok()) return std::move(visible.error());
  }
  if (*visible) {
    tree.Normalise(&resolved->status);
    out->push_back({named, std::move(resolved->path), resolved->status});
  }
  return Unit{};
}

Status MatchBelow(const SourceTree& tree, const std::string& directory, const std::vector<std::string>& patterns, size_t depth,
                  bool follow, std::vector<SourceMatch>* out) {
  auto fd = OpenBeneath(tree.root, directory, O_RDONLY | O_DIRECTORY);
  if (!fd.ok()) return std::move(fd.error());
  auto entries = ReadDirectory(fd->get(), directory);
  if (!entries.ok()) return std::move(entries.error());
  for (const DirectoryEntry& entry : *entries) {
    if (!MatchComponent(patterns[depth], entry.name)) continue;
    std::string path = JoinPath(directory, entry.name);
    if (depth + 1 == patterns.size()) {
      TSB_TRY(AddMatch(tree, path, follow, out));
      continue;
    }
    struct stat status;
    if (fstatat(fd->get(), entry.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0) return Error::FromErrno("stat", path);
    if (S_ISDIR(status.st_mode)) TSB_TRY(MatchBelow(tree, path, patterns, depth + 1, follow, out));
  }
  return Unit{};
}

}  // namespace

void SourceTree::Normalise(struct stat* status) const {
  // Of links there are no modes; devices and pipes git does not know.
  if (!git_modes || S_ISLNK(status->st_mode)) return;
  bool executable = S_ISDIR(status->st_mode) || (S_ISREG(status->st_mode) && (status->st_mode & S_IXUSR) != 0);
  status->st_mode = (status->st_mode & S_IFMT) | (executable ? 0755 : 0644);
  if (S_ISREG(status->st_mode)) status->st_nlink = 1;
}

Result<std::vector<Xattr>> SourceTree::ReadXattrs(int fd, const std::string& path_for_errors) const {
  if (git_modes) return std::vector<Xattr>{};
  return ReadImageXattrs(fd, path_for_errors);
}

Ownership SourceTree::OwnerOf(const struct stat& status) const {
  return owned_by_root ? Ownership{} : Ownership{status.st_uid, status.st_gid};
}

Result<std::vector<SourceMatch>> FindSources(const SourceTree& tree, const SourceQuery& query) {
  std::vector<SourceMatch> out;
  std::vector<std::string> literal;
  std::vector<std::string> patterns;
  for (std::string& part : SplitPath(query.path)) {
    if (part == "..") {
      // Cleaned paths have none; one that is not leads no further up than the root.
      std::vector<std::string>& last = patterns.empty() ? literal : patterns;
      if (!last.empty()) last.pop_back();
      continue;
    }
    bool pattern = query.wildcard && (!patterns.empty() || HasWildcards(part));
    (pattern ? patterns : literal).push_back(std::move(part));
  }
  std::string prefix;
  for (const std::string& part : literal) prefix = JoinPath(prefix, part);
  if (patterns.empty()) {
    TSB_TRY(AddMatch(tree, prefix, query.follow_symlinks, &out));
    return out;
  }
  auto resolved = ResolveInRoot(tree.root, prefix, true);
  if (!resolved.ok()) {
    if (resolved.error().error_number == ENOTDIR) return out;
    return std::move(resolved.error());
  }
  if (!resolved->exists || !S_ISDIR(resolved->status.st_mode)) return out;
  TSB_TRY(MatchBelow(tree, resolved->path, patterns, 0, query.follow_symlinks, &out));
  return out;
}

}  // namespace tsbuild
