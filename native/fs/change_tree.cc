#include "fs/change_tree.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "fs/copy_file.h"
#include "fs/directory.h"
#include "fs/mounted_root.h"
#include "fs/source_tree.h"
#include "fs/tree_copier.h"
#include "fs/wildcard.h"
#include "layer/unpack_archive.h"

namespace tsbuild {

namespace {

class TreeChanger {
 public:
  TreeChanger(int root, const std::vector<SourceTree>& sources, const ChangeTreeRequest& request)
      : root_(root), sources_(sources), owners_must_exist_(request.owners_must_exist), watch_(request.watch) {}

  Status Run(const CopyAction& action);
  Status Run(const MakeDirAction& action);
  Status Run(const MakeFileAction& action);
  const ChangeTreeResult& result() const { return result_; }

 private:
  struct Destination {
    std::string path;  // resolved
    bool exists = false;
    bool directory = false;
  };

  Result<std::optional<Ownership>> OwnerOf(const std::string& owner);
  Result<Destination> Resolve(const std::string& path) const;
  Status CopyMatch(const CopyAction& action, const SourceTree& source, const SourceMatch& match, const CopyOptions& options);
  Result<bool> Unpack(const CopyAction& action, const SourceTree& source, const SourceMatch& match,
                      const CopyOptions& options);

  const int root_;
  const std::vector<SourceTree>& sources_;
  const bool owners_must_exist_;
  const SharedWatch watch_;
  ChangeTreeResult result_;
  TaskPool pool_;
};

Result<std::optional<Ownership>> TreeChanger::OwnerOf(const std::string& owner) {
  if (owner.empty()) return std::optional<Ownership>();
  auto resolved = ResolveOwner(root_, owner);
  if (!resolved.ok()) return std::move(resolved.error());
  for (UnknownOwner& unknown : resolved->unknown) {
    if (owners_must_exist_) {
      return unknown.group ? Error::Own("GROUP_NOT_FOUND", "no group " + unknown.name + " in the image's /etc/group")
                           : Error::Own("USER_NOT_FOUND", "no user " + unknown.name + " in the image's /etc/passwd");
    }
    auto is_same = [&unknown](const UnknownOwner& one) { return one.group == unknown.group && one.name == unknown.name; };
    if (std::ranges::none_of(result_.unknown_owners, is_same)) result_.unknown_owners.push_back(std::move(unknown));
  }
  return std::optional<Ownership>(resolved->ownership);
}

Result<TreeChanger::Destination> TreeChanger::Resolve(const std::string& path) const {
  auto resolved = ResolveInRoot(root_, path, true);
  if (!resolved.ok()) return std::move(resolved.error());
  return Destination{std::move(resolved->path), resolved->exists,
                     resolved->exists && S_ISDIR(resolved->status.st_mode)};
}

Status TreeChanger::Run(const CopyAction& action) {
  const SourceTree& source = sources_.at(action.source);
  auto owner = OwnerOf(action.owner);
  if (!owner.ok()) return std::move(owner.error());
  auto include = PatternProgram::Parse(action.include);
  if (!include.ok()) return std::move(include.error());
  auto exclude = PatternProgram::Parse(action.exclude);
  if (!exclude.ok()) return std::move(exclude.error());
  CopyOptions options;
  options.owner = *owner;
  options.watch = watch_;
  if (action.mode) options.mode = *action.mode;
  std::optional<ModeChange> mode_change;
  if (!action.mode_change.empty()) {
    auto parsed = ModeChange::Parse(action.mode_change);
    if (!parsed.ok()) return std::move(parsed.error());
    mode_change = std::move(*parsed);
    options.mode_change = &*mode_change;
  }
  if (!include->empty()) options.include = &*include;
  if (!exclude->empty()) options.exclude = &*exclude;

  auto matches = FindSources(source, {action.src, action.allow_wildcard, action.follow_symlinks});
  if (!matches.ok()) return std::move(matches.error());
  bool pattern = false;
  for (const std::string& part : SplitPath(action.src)) pattern = pattern || (action.allow_wildcard && HasWildcards(part));
  if (matches->empty() && !(pattern && action.allow_empty_wildcard)) {
    return Error::Own("COPY_SOURCE_NOT_FOUND", "not found", action.src);
  }
  for (const SourceMatch& match : *matches) {
    if (action.attempt_unpack && S_ISREG(match.status.st_mode)) {
      auto unpacked = Unpack(action, source, match, options);
      if (!unpacked.ok()) return std::move(unpacked.error());
      if (*unpacked) continue;
    }
    TSB_TRY(CopyMatch(action, source, match, options));
  }
  return Unit{};
}

Status TreeChanger::CopyMatch(const CopyAction& action, const SourceTree& source, const SourceMatch& match,
                              const CopyOptions& options) {
  const Ownership parent_owner = options.owner.value_or(Ownership{});
  // Directories on the way there take an octal --chmod as mkdir(1) would under the usual umask, a symbolic one not at all.
  const mode_t parent_mode = options.mode.value_or(0777) & 0755;
  std::string wanted = action.dest;
  bool into_directory = wanted.ends_with('/') || wanted.ends_with("/.");
  // Parents first: a symlink on the way must exist before it can be followed.
  std::vector<std::string> parts = SplitPath(wanted);
  std::string ensured;
  for (size_t i = 0; i + (into_directory ? 0 : 1) < parts.size(); i++) ensured = JoinPath(ensured, parts[i]);
  auto parent = Resolve(ensured);
  if (!parent.ok()) return std::move(parent.error());
  if (action.create_dest_path) {
    TSB_TRY(MakeDirectories(root_, parent->path, parent_mode, parent_owner));
  } else if (!parent->exists) {
    return Error::WithErrno(ENOENT, "stat", "/" + parent->path);
  }

  auto resolved = Resolve(wanted);
  if (!resolved.ok()) return std::move(resolved.error());
  std::string target = resolved->path;
  bool directory = S_ISDIR(match.status.st_mode);
  if ((!action.dir_copy_contents && directory && resolved->exists) || (!directory && resolved->directory)) {
    target = JoinPath(target, BaseName(match.named));
  }
  bool contents_into_new = action.dir_copy_contents && directory && !resolved->exists;
  TSB_TRY(MakeDirectories(root_, contents_into_new ? target : ParentPath(target), parent_mode, parent_owner));

  TreeCopier copier(source, root_, options, pool_);
  TSB_TRY(copier.Copy(match, target));
  result_.files += copier.files();
  result_.bytes += copier.bytes();
  return Unit{};
}

Result<bool> TreeChanger::Unpack(const CopyAction& action, const SourceTree& source, const SourceMatch& match,
                                 const CopyOptions& options) {
  auto fd = OpenBeneath(source.root, match.path, O_RDONLY);
  if (!fd.ok()) return std::move(fd.error());
  auto archive = IsArchive(fd->get());
  if (!archive.ok() || !*archive) return archive;
  auto destination = Resolve(action.dest);
  if (!destination.ok()) return std::move(destination.error());
  TSB_TRY(MakeDirectories(root_, destination->path, 0755, options.owner.value_or(Ownership{})));
  auto target = OpenBeneath(root_, destination->path, O_RDONLY | O_DIRECTORY);
  if (!target.ok()) return std::move(target.error());
  auto unpacked = UnpackArchive(fd->get(), target->get(), options.owner, options.watch);
  if (!unpacked.ok()) return std::move(unpacked.error());
  result_.files += unpacked->entries;
  result_.bytes += unpacked->bytes;
  return true;
}

Status TreeChanger::Run(const MakeDirAction& action) {
  auto owner = OwnerOf(action.owner);
  if (!owner.ok()) return std::move(owner.error());
  auto resolved = Resolve(action.path);
  if (!resolved.ok()) return std::move(resolved.error());
  if (resolved->directory) return Unit{};
  if (!action.make_parents && !resolved->exists) {
    auto parent = OpenBeneath(root_, ParentPath(resolved->path), O_PATH | O_DIRECTORY);
    if (!parent.ok()) return std::move(parent.error());
  }
  TSB_TRY(MakeDirectories(root_, resolved->path, action.mode & 0777, owner->value_or(Ownership{}), action.mtime));
  result_.files++;
  return Unit{};
}

Status TreeChanger::Run(const MakeFileAction& action) {
  auto owner = OwnerOf(action.owner);
  if (!owner.ok()) return std::move(owner.error());
  auto resolved = Resolve(action.path);
  if (!resolved.ok()) return std::move(resolved.error());
  std::string name(BaseName(resolved->path));
  if (resolved->directory || name.empty()) {
    return Error::Own("COPY_TARGET_IS_DIRECTORY", "cannot replace a directory with a file", action.path);
  }
  const Ownership ownership = owner->value_or(Ownership{});
  TSB_TRY(MakeDirectories(root_, ParentPath(resolved->path), 0755, ownership));
  auto parent = OpenBeneath(root_, ParentPath(resolved->path), O_PATH | O_DIRECTORY);
  if (!parent.ok()) return std::move(parent.error());
  FileTarget target{parent->get(), name, resolved->path, true};
  auto created = CreateFile(target, action.mode);
  if (!created.ok()) return std::move(created.error());
  UniqueFd fd(*created);
  for (size_t at = 0; at < action.data.size();) {
    ssize_t size = write(fd.get(), action.data.data() + at, action.data.size() - at);
    if (size < 0 && errno != EINTR) return Error::FromErrno("write", action.path);
    if (size > 0) at += static_cast<size_t>(size);
  }
  FileAttributes attributes;
  attributes.owner = ownership;
  attributes.mode = action.mode & 07777;
  attributes.mtime.tv_nsec = UTIME_NOW;
  TSB_TRY(FinishFile(fd.get(), target, attributes));
  result_.files++;
  result_.bytes += action.data.size();
  return Unit{};
}

Result<ChangeTreeResult> RunActions(const ChangeTreeRequest& request, const std::vector<SourceTree>& sources) {
  auto root = OpenRoot(request.root);
  if (!root.ok()) return std::move(root.error());
  TreeChanger changer(root->get(), sources, request);
  for (const TreeAction& action : request.actions) {
    if (const auto* copy = std::get_if<CopyAction>(&action); copy != nullptr && copy->source >= sources.size()) {
      return Error::WithErrno(EINVAL, "changeTree", "source " + std::to_string(copy->source));
    }
    TSB_TRY(CheckCancelled(request.watch));
    TSB_TRY(std::visit([&changer](const auto& one) { return changer.Run(one); }, action));
  }
  return changer.result();
}

}  // namespace

Result<ChangeTreeResult> ChangeTree(const ChangeTreeRequest& request) {
  TSB_TRY(ClearThreadUmask());
  std::vector<UniqueFd> descriptors;
  std::vector<SourceTree> sources;
  for (const ChangeTreeSource& source : request.sources) {
    auto root = OpenRoot(source.root);
    if (!root.ok()) return std::move(root.error());
    auto ignore = PatternProgram::Parse(source.ignore);
    if (!ignore.ok()) return std::move(ignore.error());
    sources.push_back({root->get(), std::move(*ignore), source.owned_by_root, source.git_modes});
    descriptors.push_back(std::move(*root));
  }
  Result<ChangeTreeResult> result = RunActions(request, sources);
  ReleaseWork(request.root);
  return result;
}

}  // namespace tsbuild
