#include "fs/list_tree.h"

#include <dirent.h>
#include <fcntl.h>

#include <deque>

#include "fs/directory.h"
#include "fs/mounted_root.h"
#include "fs/patterns.h"
#include "fs/resolve.h"

namespace tsbuild {

namespace {

struct Waiting {
  std::string path;
  PatternProgram::Carried ignored;
  uint64_t depth = 1;
};

char TypeLetter(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return 'f';
    case S_IFDIR:
      return 'd';
    case S_IFLNK:
      return 'l';
    case S_IFIFO:
      return 'p';
    case S_IFSOCK:
      return 's';
    case S_IFCHR:
      return 'c';
    default:
      return 'b';
  }
}

class TreeLister {
 public:
  TreeLister(const ListTreeRequest& request, int root, PatternProgram ignore)
      : request_(request), root_(root), ignore_(std::move(ignore)) {}

  Result<ListTreeResult> Run(std::string start);

 private:
  Status ListDirectory(const Waiting& directory);
  bool IsFull() const { return request_.max_entries != 0 && result_.sizes.size() >= request_.max_entries; }

  const ListTreeRequest& request_;
  const int root_;
  const PatternProgram ignore_;
  std::deque<Waiting> waiting_;
  ListTreeResult result_;
};

Result<ListTreeResult> TreeLister::Run(std::string start) {
  PatternProgram::Carried ignored = ignore_.JudgeFromRoot(start).carried;
  waiting_.push_back({std::move(start), std::move(ignored)});
  while (!waiting_.empty() && !result_.truncated) {
    Waiting directory = std::move(waiting_.front());
    waiting_.pop_front();
    TSB_TRY(ListDirectory(directory));
  }
  return std::move(result_);
}

Status TreeLister::ListDirectory(const Waiting& directory) {
  auto fd = OpenBeneath(root_, directory.path, O_RDONLY | O_DIRECTORY);
  if (!fd.ok()) return std::move(fd.error());
  auto entries = ReadDirectory(fd->get(), directory.path);
  if (!entries.ok()) return std::move(entries.error());
  for (const DirectoryEntry& entry : *entries) {
    if (IsFull()) {
      result_.truncated = true;
      return Unit{};
    }
    std::string path = JoinPath(directory.path, entry.name);
    PatternProgram::Verdict verdict;
    if (!ignore_.empty()) verdict = ignore_.Judge(path, directory.ignored);
    bool hidden = verdict.excluded && !request_.include_ignored;
    if (hidden && (!ignore_.has_negations() || (entry.type != DT_DIR && entry.type != DT_UNKNOWN))) continue;
    struct stat status;
    if (fstatat(fd->get(), entry.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0) {
      // It went away meanwhile.
      if (errno == ENOENT) continue;
      return Error::FromErrno("stat", path);
    }
    if (!hidden) {
      result_.paths.append(path).push_back('\0');
      result_.types.push_back(TypeLetter(status.st_mode));
      result_.ignored.push_back(verdict.excluded ? '1' : '0');
      bool sized = S_ISREG(status.st_mode) || S_ISLNK(status.st_mode);
      result_.sizes.push_back(sized ? static_cast<uint64_t>(status.st_size) : 0);
    }
    bool enter = S_ISDIR(status.st_mode) && (request_.max_depth == 0 || directory.depth < request_.max_depth);
    if (enter) waiting_.push_back({std::move(path), std::move(verdict.carried), directory.depth + 1});
  }
  return Unit{};
}

}  // namespace

Result<ListTreeResult> ListTree(const ListTreeRequest& request) {
  auto root = OpenRoot(request.root);
  if (!root.ok()) return std::move(root.error());
  auto ignore = PatternProgram::Parse(request.ignore);
  if (!ignore.ok()) return std::move(ignore.error());
  auto start = ResolveInRoot(root->get(), request.path, true);
  if (!start.ok()) {
    if (start.error().error_number == ENOTDIR) return ListTreeResult{};
    return std::move(start.error());
  }
  if (!start->exists || !S_ISDIR(start->status.st_mode)) return ListTreeResult{};
  return TreeLister(request, root->get(), std::move(*ignore)).Run(std::move(start->path));
}

}  // namespace tsbuild
