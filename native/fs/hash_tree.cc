#include "fs/hash_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <climits>
#include <deque>
#include <mutex>
#include <utility>

#include "fs/directory.h"
#include "fs/mounted_root.h"
#include "fs/sha256.h"
#include "fs/source_tree.h"
#include "fs/stat_cache.h"
#include "fs/task_pool.h"
#include "fs/xattr.h"

namespace tsbuild {

namespace {

constexpr size_t kBufferSize = 256 * 1024;
// Entries of a directory that are one task: a task costs about as much as a small file.
constexpr size_t kBatch = 32;

// Everything about one path that enters the digest.
struct Node {
  std::string path;  // below the match
  struct stat status {};
  Sha256Bytes content{};
  std::string link;
  std::vector<Xattr> xattrs;
};

class TreeHasher {
 public:
  TreeHasher(const HashTreeRequest& request, SourceTree tree)
      : request_(request), tree_(std::move(tree)), cache_(request.stat_cache_path) {}

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
  Status AddMatch(const SourceMatch& match, const TreeSelection& selection, const Filters& filters);
  // Says through `any` whether something was added.
  Status AddDirectory(SharedFd fd, const std::string& source_path, const std::string& relative, const Filters& filters,
                      const Verdicts& here, bool* any);
  // Entries that are no directories, to be looked at by a task.
  struct Batch {
    SharedFd directory;
    std::string source_path;  // of the directory
    std::vector<std::pair<Node*, std::string>> entries;
  };
  void Submit(Batch batch);
  Status LookAt(const Batch& batch);
  Status HashFile(int directory, const std::string& name, const std::string& source_path, Node* node);

  // The canonical bytes: every part with its length before it, so that no two trees have the same.
  void PutNumber(uint64_t value);
  void PutBytes(std::string_view bytes);
  void PutNode(const Node& node);

  const HashTreeRequest& request_;
  SourceTree tree_;
  StatCache cache_;
  std::mutex mutex_;  // guards the cache and the counts while tasks run
  Sha256 hash_;
  std::string canonical_;  // what is not yet in the hash
  HashTreeResult result_;
  std::deque<Node> nodes_;  // addresses stay while tasks fill them in
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
  PutBytes(node.path);
  PutNumber(node.status.st_mode & (S_IFMT | 07777));
  if (request_.include_owner) {
    PutNumber(node.status.st_uid);
    PutNumber(node.status.st_gid);
  }
  bool device = S_ISCHR(node.status.st_mode) || S_ISBLK(node.status.st_mode);
  PutNumber(device ? node.status.st_rdev : 0);
  PutBytes(node.link);
  if (S_ISREG(node.status.st_mode)) {
    PutNumber(static_cast<uint64_t>(node.status.st_size));
    canonical_.append(reinterpret_cast<const char*>(node.content.data()), node.content.size());
  }
  PutNumber(node.xattrs.size());
  for (const Xattr& xattr : node.xattrs) {
    PutBytes(xattr.name);
    PutBytes(xattr.value);
  }
  hash_.Update(canonical_.data(), canonical_.size());
  canonical_.clear();
}

Result<HashTreeResult> TreeHasher::Run() {
  PutBytes("tsbuild tree 1");
  for (uint32_t i = 0; i < request_.selections.size(); i++) {
    PutNumber(i);
    Status added = AddSelection(i);
    // Tasks point at nodes: they end before anything else does.
    Status drained = pool_.Drain();
    if (!added.ok()) return std::move(added.error());
    if (!drained.ok()) return std::move(drained.error());
    for (const Node& node : nodes_) {
      PutNode(node);
      if (S_ISDIR(node.status.st_mode)) continue;
      result_.files++;
      if (S_ISREG(node.status.st_mode)) result_.bytes += static_cast<uint64_t>(node.status.st_size);
    }
    nodes_.clear();
  }
  hash_.Update(canonical_.data(), canonical_.size());
  cache_.Save();
  result_.digest = FormatDigest(hash_.Finish());
  return std::move(result_);
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

Status TreeHasher::AddMatch(const SourceMatch& match, const TreeSelection& selection, const Filters& filters) {
  std::string name(BaseName(match.named));
  if (!S_ISDIR(match.status.st_mode)) {
  auto directory = OpenBeneath(tree_.root, ParentPath(match.path), O_PATH | O_DIRECTORY);
    if (!directory.ok()) return std::move(directory.error());
    Node& node = nodes_.emplace_back();
    node.path = std::move(name);
    Submit({Share(std::move(*directory)), std::string(ParentPath(match.path)), {{&node, std::string(BaseName(match.path))}}});
    return Unit{};
  }
  auto fd = OpenBeneath(tree_.root, match.path, O_RDONLY | O_DIRECTORY);
  if (!fd.ok()) return std::move(fd.error());
  // That a directory was matched, and where the one before it ended.
  Node header;
  header.path = "/";
  header.status.st_mode = S_IFDIR;
  if (selection.include_root) {
    header.status = match.status;
    auto xattrs = ReadImageXattrs(fd->get(), match.path);
    if (!xattrs.ok()) return std::move(xattrs.error());
    header.xattrs = std::move(*xattrs);
  }
  nodes_.push_back(std::move(header));
  bool any = false;
  const Verdicts verdicts{tree_.ignore.JudgeFromRoot(match.path).carried, filters.include.AtRoot(), filters.exclude.AtRoot()};
  return AddDirectory(Share(std::move(*fd)), match.path, "", filters, verdicts, &any);
}

Status TreeHasher::AddDirectory(SharedFd fd, const std::string& source_path, const std::string& relative, const Filters& filters,
                                const Verdicts& here, bool* any) {
  const auto& [include, exclude] = filters;
  auto entries = ReadDirectory(fd->get(), source_path);
  if (!entries.ok()) return std::move(entries.error());
  Batch batch{fd, source_path, {}};
  for (const DirectoryEntry& entry : *entries) {
    TSB_TRY(CheckCancelled(request_.watch));
    std::string path = JoinPath(source_path, entry.name);
    PatternProgram::Verdict ignored;
    PatternProgram::Verdict included{true, {}};
    PatternProgram::Verdict excluded;
    if (!tree_.ignore.empty()) ignored = tree_.ignore.Judge(path, here.ignored);
    if (ignored.excluded && !tree_.ignore.has_negations()) continue;
    Node node;
    node.path = JoinPath(relative, entry.name);
    if (!exclude.empty()) excluded = exclude.Judge(node.path, here.excluded);
    if (excluded.excluded && !exclude.has_negations()) continue;
    if (!include.empty()) included = include.Judge(node.path, here.included);
    bool left_out = ignored.excluded || excluded.excluded || !included.excluded;
    bool directory = entry.type == DT_DIR;
    if (entry.type == DT_UNKNOWN) {
      if (fstatat(fd->get(), entry.name.c_str(), &node.status, AT_SYMLINK_NOFOLLOW) < 0) return Error::FromErrno("stat", path);
      directory = S_ISDIR(node.status.st_mode);
    }
    if (!directory) {
      if (left_out) continue;
      *any = true;
      nodes_.push_back(std::move(node));
      batch.entries.emplace_back(&nodes_.back(), entry.name);
      if (batch.entries.size() == kBatch) Submit(std::exchange(batch, {fd, source_path, {}}));
      continue;
    }
    if (!included.excluded && !include.MayMatchBelow(node.path)) continue;
    UniqueFd child(openat(fd->get(), entry.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!child) return Error::FromErrno("open", path);
    if (fstat(child.get(), &node.status) < 0) return Error::FromErrno("fstat", path);
    auto xattrs = ReadImageXattrs(child.get(), path);
    if (!xattrs.ok()) return std::move(xattrs.error());
    node.xattrs = std::move(*xattrs);
    std::string below = node.path;
    nodes_.push_back(std::move(node));
    bool any_below = false;
    const Verdicts verdicts{std::move(ignored.carried), std::move(included.carried), std::move(excluded.carried)};
    TSB_TRY(AddDirectory(Share(std::move(child)), path, below, filters, verdicts, &any_below));
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

void TreeHasher::Submit(Batch batch) {
  // After a failure nothing is taken any more; Drain says why.
  pool_.Add([this, batch = std::move(batch)]() { return LookAt(batch); });
}

Status TreeHasher::LookAt(const Batch& batch) {
  TSB_TRY(CheckCancelled(request_.watch));
  int directory = batch.directory->get();
  std::vector<const std::pair<Node*, std::string>*> unknown;
  for (const auto& entry : batch.entries) {
    auto& [node, name] = entry;
    if (fstatat(directory, name.c_str(), &node->status, AT_SYMLINK_NOFOLLOW) < 0) {
      return Error::FromErrno("stat", JoinPath(batch.source_path, name));
    }
    if (S_ISLNK(node->status.st_mode)) {
      char link[PATH_MAX];
      ssize_t size = readlinkat(directory, name.c_str(), link, sizeof(link));
      if (size < 0) return Error::FromErrno("readlink", JoinPath(batch.source_path, name));
      node->link.assign(link, static_cast<size_t>(size));
    } else if (S_ISREG(node->status.st_mode)) {
      unknown.push_back(&entry);
    }
  }
  if (!request_.stat_cache_path.empty()) {
    std::lock_guard lock(mutex_);
    std::erase_if(unknown, [this](const auto* entry) {
      auto known = cache_.Find(entry->first->status);
      if (!known || known->has_xattrs) return false;
      entry->first->content = known->digest;
      return true;
    });
  }
  CountFiles(request_.watch, unknown.size());
  for (const auto* entry : unknown) {
    TSB_TRY(HashFile(directory, entry->second, JoinPath(batch.source_path, entry->second), entry->first));
  }
  return Unit{};
}

Status TreeHasher::HashFile(int directory, const std::string& name, const std::string& source_path, Node* node) {
  thread_local Sha256 hash;
  thread_local std::unique_ptr<char[]> buffer(new char[kBufferSize]);
  timespec read_at;
  clock_gettime(CLOCK_REALTIME, &read_at);
  UniqueFd fd(openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return Error::FromErrno("open", source_path);
  struct stat status;
  if (fstat(fd.get(), &status) < 0) return Error::FromErrno("fstat", source_path);
  uint64_t total = 0;
  for (;;) {
    ssize_t size = read(fd.get(), buffer.get(), kBufferSize);
    if (size < 0) {
      if (errno == EINTR) continue;
      hash.Finish();
      return Error::FromErrno("read", source_path);
    }
    hash.Update(buffer.get(), static_cast<size_t>(size));
    total += static_cast<uint64_t>(size);
    CountBytes(request_.watch, static_cast<uint64_t>(size));
    if (Status going = CheckCancelled(request_.watch); !going.ok()) {
      hash.Finish();
      return going;
    }
    // The size says where it ends, but for a file that grows meanwhile.
    if (size == 0 || (static_cast<size_t>(size) < kBufferSize && total == static_cast<uint64_t>(status.st_size))) break;
  }
  node->content = hash.Finish();
  node->status.st_size = static_cast<off_t>(total);
  auto xattrs = ReadImageXattrs(fd.get(), source_path);
  if (!xattrs.ok()) return std::move(xattrs.error());
  node->xattrs = std::move(*xattrs);
  std::lock_guard lock(mutex_);
  result_.bytes_read += total;
  if (total == static_cast<uint64_t>(status.st_size)) cache_.Add(status, read_at, {node->content, !node->xattrs.empty()});
  return Unit{};
}

}  // namespace

Result<HashTreeResult> HashTree(const HashTreeRequest& request) {
  auto root = OpenRoot(request.root);
  if (!root.ok()) return std::move(root.error());
  SourceTree tree;
  tree.root = root->get();
  auto ignore = PatternProgram::Parse(request.ignore);
  if (!ignore.ok()) return std::move(ignore.error());
  tree.ignore = std::move(*ignore);
  return TreeHasher(request, std::move(tree)).Run();
}

}  // namespace tsbuild
