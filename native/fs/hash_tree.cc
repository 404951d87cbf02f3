#include "fs/hash_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <climits>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "fs/directory.h"
#include "fs/hash_open_file.h"
#include "fs/mounted_root.h"
#include "fs/sha256.h"
#include "fs/source_tree.h"
#include "fs/stat_cache.h"
#include "fs/task_pool.h"
#include "fs/tree_list.h"
#include "fs/xattr.h"

namespace tsbuild {

namespace {

// Entries of a directory that are one task: a task costs about as much as a small file.
constexpr size_t kBatch = 32;

// One path of what a selection names.
struct Node {
  std::string path;  // below the match
  const SeenEntry* seen;
};

class TreeHasher {
 public:
  TreeHasher(const HashTreeRequest& request, SourceTree tree, TreeMemo& memo)
      : request_(request), tree_(std::move(tree)), memo_(memo) {}

  Result<HashTreeResult> Run();

 private:
  Status AddSelection(uint32_t index);
  // What of a matched directory counts; empty programs leave nothing out.
  struct Filters {
    PatternProgram include;
    PatternProgram exclude;
  };
  // What the patterns say of a directory, for its entries.
  struct Verdicts {
    PatternProgram::Carried ignored;
    PatternProgram::Carried included;
    PatternProgram::Carried excluded;
  };
  // A directory that is opened when something in it is not known yet.
  struct Place {
    std::string path;  // from the root
    SharedFd fd;
  };
  Status Open(Place* place);
  Status AddMatch(const SourceMatch& match, const TreeSelection& selection, const Filters& filters);
  // Says through `any` whether something was added.
  Status AddDirectory(Place place, const std::string& relative, const Filters& filters, const Verdicts& here, bool* any);
  Result<std::vector<SeenEntry>*> List(Place* place);
  // Looks at a directory from the one that it lies in; `below` gets its descriptor.
  Status LookAtDirectory(Place* place, SeenEntry* entry, Place* below);
  // Entries that are no directories, to be looked at by a task.
  struct Batch {
    SharedFd directory;
    std::string source_path;  // of the directory
    std::vector<SeenEntry*> entries;
  };
  void Submit(Batch batch);
  Status FinishBatches();
  Status LookAt(const Batch& batch);
  Status HashFile(int directory, const std::string& source_path, SeenEntry* entry);
  Status ReadFileXattrs(int directory, const std::string& source_path, SeenEntry* entry);

  // The canonical bytes: every part with its length before it, so that no two trees have the same.
  void PutNumber(uint64_t value);
  void PutBytes(std::string_view bytes);
  void PutNode(const Node& node);
  void KeepList(const std::string& digest);

  const HashTreeRequest& request_;
  SourceTree tree_;
  TreeMemo& memo_;
  std::mutex mutex_;  // guards the stat cache and the counts while tasks run
  Sha256 hash_;
  std::string canonical_;  // what is not yet in the hash
  HashTreeResult result_;
  std::vector<Node> nodes_;
  std::vector<std::vector<Node>> hashed_;  // of the selections so far, for the list
  std::deque<SeenEntry> loose_;  // what was found without reading its directory; addresses stay while tasks fill them in
  std::optional<Batch> held_;  // waits for another to come
  TaskPool pool_;  // last: its threads end before what they use
};

void TreeHasher::PutNumber(uint64_t value) {
  for (int i = 0; i < 8; i++) canonical_.push_back(static_cast<char>(value >> (8 * i)));
}

void TreeHasher::PutBytes(std::string_view bytes) {
  PutNumber(bytes.size());
  canonical_.append(bytes);
}

void TreeHasher::PutNode(const Node& node) {
  const SeenEntry& seen = *node.seen;
  mode_t mode = seen.mode;
  PutBytes(node.path);
  PutNumber(mode & (S_IFMT | 07777));
  // Where owners do not count all are root: what a stage or an archive has of root's is the same content.
  PutNumber(request_.include_owner ? seen.uid : 0);
  PutNumber(request_.include_owner ? seen.gid : 0);
  PutNumber(S_ISCHR(mode) || S_ISBLK(mode) ? seen.device : 0);
  PutBytes(seen.link);
  if (S_ISREG(mode)) {
    PutNumber(static_cast<uint64_t>(seen.size));
    canonical_.append(reinterpret_cast<const char*>(seen.content.data()), seen.content.size());
  }
  PutNumber(seen.xattrs.size());
  for (const Xattr& xattr : seen.xattrs) {
    PutBytes(xattr.name);
    PutBytes(xattr.value);
  }
  hash_.Update(canonical_.data(), canonical_.size());
  canonical_.clear();
}

Result<HashTreeResult> TreeHasher::Run() {
  if (memo_.stat_cache == nullptr) {
    const auto& lowers = request_.root.lowers;
    memo_.stat_cache = std::make_unique<StatCache>(request_.stat_cache_path, lowers.empty() ? "" : lowers.front());
  }
  PutBytes("tsbuild tree 2");
  for (uint32_t i = 0; i < request_.selections.size(); i++) {
    PutNumber(i);
    Status added = AddSelection(i);
    // Tasks point at entries: they end before anything else does.
    Status drained = FinishBatches();
    if (!added.ok()) return std::move(added.error());
    if (!drained.ok()) return std::move(drained.error());
    for (const Node& node : nodes_) {
      PutNode(node);
      if (S_ISDIR(node.seen->mode)) continue;
      result_.files++;
      if (S_ISREG(node.seen->mode)) result_.bytes += static_cast<uint64_t>(node.seen->size);
    }
    if (!request_.list_directory.empty()) hashed_.push_back(std::move(nodes_));
    nodes_.clear();
  }
  hash_.Update(canonical_.data(), canonical_.size());
  memo_.stat_cache->Save();
  result_.digest = FormatDigest(hash_.Finish());
  if (!request_.list_directory.empty()) KeepList(result_.digest);
  return std::move(result_);
}

void TreeHasher::KeepList(const std::string& digest) {
  if (TreeList::Exists(request_.list_directory, digest)) return;
  TreeList list(request_.include_owner);
  for (const std::vector<Node>& nodes : hashed_) {
    list.BeginSelection();
    for (const Node& node : nodes) {
      const SeenEntry& seen = *node.seen;
      list.Add(node.path, {seen.mode, seen.uid, seen.gid, seen.device, static_cast<uint64_t>(seen.size), seen.content,
                           seen.link, seen.xattrs});
    }
  }
  list.Save(request_.list_directory, digest);
}

Status TreeHasher::AddSelection(uint32_t index) {
  const TreeSelection& selection = request_.selections[index];
  auto include = PatternProgram::Parse(selection.include);
  if (!include.ok()) return std::move(include.error());
  auto exclude = PatternProgram::Parse(selection.exclude);
  if (!exclude.ok()) return std::move(exclude.error());
  auto matches = FindSources(tree_, {selection.path, selection.wildcard, selection.follow_symlinks});
  if (!matches.ok()) return std::move(matches.error());
  bool missing = matches->empty();
  if (!missing && !selection.required.empty()) {
    auto required = FindSources(tree_, {selection.required, false, true});
    if (!required.ok()) return std::move(required.error());
    missing = required->empty();
  }
  if (missing) result_.missing.push_back(index);
  const Filters filters{std::move(*include), std::move(*exclude)};
  for (const SourceMatch& match : *matches) TSB_TRY(AddMatch(match, selection, filters));
  return Unit{};
}

Status TreeHasher::Open(Place* place) {
  if (place->fd != nullptr) return Unit{};
  auto fd = OpenBeneath(tree_.root, place->path, O_RDONLY | O_DIRECTORY);
  if (!fd.ok()) return std::move(fd.error());
  place->fd = Share(std::move(*fd));
  return Unit{};
}

Status TreeHasher::AddMatch(const SourceMatch& match, const TreeSelection& selection, const Filters& filters) {
  if (!S_ISDIR(match.status.st_mode)) {
    auto directory = OpenBeneath(tree_.root, ParentPath(match.path), O_PATH | O_DIRECTORY);
    if (!directory.ok()) return std::move(directory.error());
    SeenEntry& entry = loose_.emplace_back();
    entry.name = BaseName(match.path);
    nodes_.push_back({std::string(BaseName(match.named)), &entry});
    Submit({Share(std::move(*directory)), std::string(ParentPath(match.path)), {&entry}});
    return Unit{};
  }
  // That a directory was matched, and where the one before it ended.
  SeenEntry& header = loose_.emplace_back();
  header.mode = S_IFDIR;
  Place place{match.path, nullptr};
  if (selection.include_root) {
    TSB_TRY(Open(&place));
    header.SetStatus(match.status);
    auto xattrs = tree_.ReadXattrs(place.fd->get(), match.path);
    if (!xattrs.ok()) return std::move(xattrs.error());
    header.xattrs = std::move(*xattrs);
  }
  nodes_.push_back({"/", &header});
  bool any = false;
  const Verdicts verdicts{tree_.ignore.JudgeFromRoot(match.path).carried, filters.include.AtRoot(), filters.exclude.AtRoot()};
  return AddDirectory(std::move(place), "", filters, verdicts, &any);
}

Result<std::vector<SeenEntry>*> TreeHasher::List(Place* place) {
  auto known = memo_.directories.find(place->path);
  if (known != memo_.directories.end()) return &known->second;
  TSB_TRY(Open(place));
  auto entries = ReadDirectory(place->fd->get(), place->path);
  if (!entries.ok()) return std::move(entries.error());
  std::vector<SeenEntry>& seen = memo_.directories[place->path];
  seen.resize(entries->size());
  for (size_t i = 0; i < seen.size(); i++) {
    seen[i].name = std::move((*entries)[i].name);
    seen[i].type = (*entries)[i].type;
  }
  return &seen;
}

Status TreeHasher::AddDirectory(Place place, const std::string& relative, const Filters& filters, const Verdicts& here, bool* any) {
  const auto& [include, exclude] = filters;
  auto entries = List(&place);
  if (!entries.ok()) return std::move(entries.error());
  Batch batch{nullptr, place.path, {}};
  for (SeenEntry& entry : **entries) {
    TSB_TRY(CheckCancelled(request_.watch));
    std::string path = JoinPath(place.path, entry.name);
    PatternProgram::Verdict ignored;
    PatternProgram::Verdict included{true, {}};
    PatternProgram::Verdict excluded;
    if (!tree_.ignore.empty()) ignored = tree_.ignore.Judge(path, here.ignored);
    if (ignored.excluded && !tree_.ignore.has_negations()) continue;
    std::string below = JoinPath(relative, entry.name);
    if (!exclude.empty()) excluded = exclude.Judge(below, here.excluded);
    if (excluded.excluded && !exclude.has_negations()) continue;
    if (!include.empty()) included = include.Judge(below, here.included);
    bool left_out = ignored.excluded || excluded.excluded || !included.excluded;
    if (entry.type == DT_UNKNOWN) {
      TSB_TRY(Open(&place));
      struct stat status;
      if (fstatat(place.fd->get(), entry.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0) return Error::FromErrno("stat", path);
      entry.type = S_ISDIR(status.st_mode) ? DT_DIR : DT_REG;
    }
    if (entry.type != DT_DIR) {
      if (left_out) continue;
      *any = true;
      nodes_.push_back({std::move(below), &entry});
      if (std::exchange(entry.asked, true)) continue;
      TSB_TRY(Open(&place));
      batch.directory = place.fd;
      batch.entries.push_back(&entry);
      if (batch.entries.size() == kBatch) Submit(std::exchange(batch, {nullptr, place.path, {}}));
      continue;
    }
    if (!included.excluded && !include.MayMatchBelow(below)) continue;
    Place inside{std::move(path), nullptr};
    if (!entry.asked) TSB_TRY(LookAtDirectory(&place, &entry, &inside));
    nodes_.push_back({below, &entry});
    bool any_below = false;
    const Verdicts verdicts{std::move(ignored.carried), std::move(included.carried), std::move(excluded.carried)};
    TSB_TRY(AddDirectory(std::move(inside), below, filters, verdicts, &any_below));
    // A directory that is left out is there only for what is in it.
    if (left_out && !any_below) {
      nodes_.pop_back();
    } else {
      *any = true;
    }
  }
  if (!batch.entries.empty()) Submit(std::move(batch));
  return Unit{};
}

Status TreeHasher::LookAtDirectory(Place* place, SeenEntry* entry, Place* below) {
  TSB_TRY(Open(place));
  UniqueFd fd(openat(place->fd->get(), entry->name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return Error::FromErrno("open", below->path);
  struct stat status;
  if (fstat(fd.get(), &status) < 0) return Error::FromErrno("fstat", below->path);
  tree_.Normalise(&status);
  entry->SetStatus(status);
  auto xattrs = tree_.ReadXattrs(fd.get(), below->path);
  if (!xattrs.ok()) return std::move(xattrs.error());
  entry->xattrs = std::move(*xattrs);
  entry->asked = true;
  below->fd = Share(std::move(fd));
  return Unit{};
}

void TreeHasher::Submit(Batch batch) {
  auto ready = std::exchange(held_, std::move(batch));
  // After a failure nothing is taken any more; Drain says why.
  if (ready) pool_.Add([this, batch = std::move(*ready)]() { return LookAt(batch); });
}

// The last batch is looked at here, where it would be waited for: a selection of a few files starts no thread.
Status TreeHasher::FinishBatches() {
  auto last = std::exchange(held_, std::nullopt);
  Status looked = last ? LookAt(*last) : Status(Unit{});
  Status drained = pool_.Drain();
  return drained.ok() ? std::move(looked) : std::move(drained);
}

Status TreeHasher::LookAt(const Batch& batch) {
  TSB_TRY(CheckCancelled(request_.watch));
  int directory = batch.directory->get();
  std::vector<std::pair<SeenEntry*, struct stat>> files;
  for (SeenEntry* entry : batch.entries) {
    struct stat status;
    if (fstatat(directory, entry->name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0) {
      return Error::FromErrno("stat", JoinPath(batch.source_path, entry->name));
    }
    if (S_ISLNK(status.st_mode)) {
      char link[PATH_MAX];
      ssize_t size = readlinkat(directory, entry->name.c_str(), link, sizeof(link));
      if (size < 0) return Error::FromErrno("readlink", JoinPath(batch.source_path, entry->name));
      entry->link.assign(link, static_cast<size_t>(size));
    } else if (S_ISREG(status.st_mode)) {
      files.emplace_back(entry, status);
    }
    tree_.Normalise(&status);
    entry->SetStatus(status);
  }
  std::vector<SeenEntry*> unknown;
  std::vector<SeenEntry*> with_xattrs;
  {
    std::lock_guard lock(mutex_);
    for (auto& [entry, status] : files) {
      auto known = memo_.stat_cache->Find(status);
      if (known) entry->content = known->digest;
      if (!known) unknown.push_back(entry);
      else if (known->has_xattrs && !tree_.git_modes) with_xattrs.push_back(entry);
    }
  }
  CountFiles(request_.watch, unknown.size());
  for (SeenEntry* entry : unknown) TSB_TRY(HashFile(directory, JoinPath(batch.source_path, entry->name), entry));
  for (SeenEntry* entry : with_xattrs) TSB_TRY(ReadFileXattrs(directory, JoinPath(batch.source_path, entry->name), entry));
  return Unit{};
}

// Of a file whose content is remembered: any change of its attributes would have changed its ctime, but they are not kept.
Status TreeHasher::ReadFileXattrs(int directory, const std::string& source_path, SeenEntry* entry) {
  UniqueFd fd(openat(directory, entry->name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return Error::FromErrno("open", source_path);
  auto xattrs = tree_.ReadXattrs(fd.get(), source_path);
  if (!xattrs.ok()) return std::move(xattrs.error());
  entry->xattrs = std::move(*xattrs);
  return Unit{};
}

Status TreeHasher::HashFile(int directory, const std::string& source_path, SeenEntry* entry) {
  thread_local Sha256 hash;
  timespec read_at;
  clock_gettime(CLOCK_REALTIME, &read_at);
  UniqueFd fd(openat(directory, entry->name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return Error::FromErrno("open", source_path);
  struct stat status;
  if (fstat(fd.get(), &status) < 0) return Error::FromErrno("fstat", source_path);
  auto total = HashOpenFile(fd.get(), status.st_size, source_path, request_.watch, &hash);
  if (!total.ok()) return std::move(total.error());
  entry->content = hash.Finish();
  entry->size = static_cast<off_t>(*total);
  auto xattrs = ReadImageXattrs(fd.get(), source_path);
  if (!xattrs.ok()) return std::move(xattrs.error());
  bool has_xattrs = !xattrs->empty();
  if (!tree_.git_modes) entry->xattrs = std::move(*xattrs);
  std::lock_guard lock(mutex_);
  result_.bytes_read += *total;
  if (*total == static_cast<uint64_t>(status.st_size)) memo_.stat_cache->Add(status, read_at, {entry->content, has_xattrs});
  return Unit{};
}

}  // namespace

Result<HashTreeResult> HashTree(const HashTreeRequest& request) {
  auto root = OpenRoot(request.root);
  if (!root.ok()) return std::move(root.error());
  SourceTree tree;
  tree.root = root->get();
  tree.git_modes = request.git_modes;
  auto ignore = PatternProgram::Parse(request.ignore);
  if (!ignore.ok()) return std::move(ignore.error());
  tree.ignore = std::move(*ignore);
  SharedMemo memo = request.memo != nullptr ? request.memo : std::make_shared<TreeMemo>();
  std::lock_guard alone(memo->busy);
  auto result = TreeHasher(request, std::move(tree), *memo).Run();
  // What was being looked at when it failed is not known.
  if (!result.ok()) memo->directories.clear();
  return result;
}

Result<std::vector<Result<HashTreeResult>>> HashTrees(const HashTreesRequest& request) {
  std::vector<Result<HashTreeResult>> results;
  HashTreeRequest one = request.tree;
  for (const std::vector<TreeSelection>& part : request.parts) {
    one.selections = part;
    results.push_back(HashTree(one));
  }
  return results;
}

}  // namespace tsbuild
