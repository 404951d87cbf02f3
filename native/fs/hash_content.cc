#include "fs/hash_content.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <deque>
#include <iterator>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "fs/directory.h"
#include "fs/hash_open_file.h"
#include "fs/mounted_root.h"
#include "fs/sha256.h"
#include "fs/source_tree.h"
#include "fs/stat_cache.h"
#include "fs/task_pool.h"
#include "fs/xattr.h"

namespace tsbuild {

namespace {

// Entries of a directory that are one task: a task costs about as much as a small file.
constexpr size_t kBatch = 32;

// One file or directory.
struct Node {
  std::string name;
  mode_t mode = 0;
  // Of a directory its header's, of all else the whole digest. Filled in by a task.
  Sha256Bytes digest{};
  std::vector<Node*> entries;  // of a directory that counts as a whole, by name
  std::optional<Sha256Bytes> whole;  // of a directory with all that is below it, once that was asked for
};

// What the patterns say of a directory, for its entries.
struct Verdicts {
  PatternProgram::Carried ignored;
  PatternProgram::Carried included;
  // Absent where the patterns were not asked about the directory, since it is not included itself.
  std::optional<PatternProgram::Carried> excluded;
};

struct Filters {
  PatternProgram include;
  PatternProgram exclude;
};

// One of a list that patterns chose.
struct Item {
  std::string path;  // as matched
  Node* node;
  bool is_top = false;  // no directory of the list is above it
  Node* target = nullptr;  // where a symlink leads
};

struct Plan {
  Node* whole = nullptr;  // a path without patterns
  bool is_list = false;
  std::vector<Item> items;
  bool missing = false;
};

void PutText(std::string* out, std::string_view name, std::string_view value) {
  out->append(name);
  out->append(value);
}

void PutNumber(std::string* out, std::string_view name, uint64_t value) { PutText(out, name, std::to_string(value)); }

// The letter of a tar entry.
char KindOf(mode_t mode) {
  if (S_ISLNK(mode)) return '2';
  if (S_ISCHR(mode)) return '3';
  if (S_ISBLK(mode)) return '4';
  if (S_ISDIR(mode)) return '5';
  if (S_ISFIFO(mode)) return '6';
  return '0';
}

std::string MakeHeader(const struct stat& status, Ownership owner, std::string_view link, const std::vector<Xattr>& xattrs) {
  bool device = S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode);
  std::string out;
  PutText(&out, "name", "");
  PutNumber(&out, "mode", status.st_mode & 07777);
  PutNumber(&out, "uid", owner.uid);
  PutNumber(&out, "gid", owner.gid);
  PutNumber(&out, "size", S_ISREG(status.st_mode) ? static_cast<uint64_t>(status.st_size) : 0);
  PutText(&out, "typeflag", std::string(1, KindOf(status.st_mode)));
  PutText(&out, "linkname", link);
  PutText(&out, "uname", "");
  PutText(&out, "gname", "");
  PutNumber(&out, "devmajor", device ? major(status.st_rdev) : 0);
  PutNumber(&out, "devminor", device ? minor(status.st_rdev) : 0);
  for (const Xattr& xattr : xattrs) PutText(&out, xattr.name, xattr.value);
  return out;
}

Sha256Bytes DigestOf(std::string_view text) {
  thread_local Sha256 hash;
  hash.Update(text.data(), text.size());
  return hash.Finish();
}

// A directory's digest, of all that is below it.
Sha256Bytes DigestTree(Node& node) {
  if (!S_ISDIR(node.mode)) return node.digest;
  if (node.whole) return *node.whole;
  std::string text(1, '\0');
  text += FormatDigest(node.digest);
  for (Node* entry : node.entries) {
    text.push_back('\0');
    text += entry->name;
    text += FormatDigest(DigestTree(*entry));
  }
  node.whole = DigestOf(text);
  return *node.whole;
}

class ContentHasher {
 public:
  ContentHasher(const HashContentRequest& request, SourceTree tree)
      : request_(request),
        tree_(std::move(tree)),
        cache_(request.stat_cache_path, request.root.lowers.empty() ? "" : request.root.lowers.front()) {}

  Result<HashContentResult> Run();

 private:
  Result<Plan> PlanSelection(const ContentSelection& selection);
  Status PlanLinks(Plan* plan);
  // The node of a path with all that is below it; null when nothing is there. A path is looked at once.
  Result<Node*> PlanWhole(const std::string& path, bool follow);
  Status AddEntries(SharedFd fd, const std::string& source_path, const PatternProgram::Carried& carried, Node* node, bool* any);
  Status AddItems(SharedFd fd, const std::string& source_path, const std::string& named, const std::string& relative,
                  const Filters& filters, const Verdicts& here, std::vector<Item>* out, bool* any);
  Status AddMatch(const SourceMatch& match, bool skip_header, const Filters& filters, std::vector<Item>* out);
  static bool Choose(const Filters& filters, const std::string& path, const Verdicts* parent, Verdicts* here);

  struct Batch {
    SharedFd directory;
    std::string source_path;  // of the directory
    std::vector<std::pair<Node*, std::string>> entries;
  };
  void Submit(Batch batch);
  Status LookAt(const Batch& batch);
  Status HashFile(int directory, const std::string& name, const std::string& source_path, struct stat status, Node* node);
  Result<std::vector<Xattr>> ReadXattrs(int fd, const std::string& source_path) const;
  Status ReadHeader(int fd, const std::string& source_path, Node* node);
  Result<bool> IsDirectory(const SharedFd& fd, const DirectoryEntry& entry, const std::string& path);

  const HashContentRequest& request_;
  SourceTree tree_;
  StatCache cache_;
  std::mutex mutex_;  // guards the cache and the counts while tasks run
  HashContentResult result_;
  std::deque<Node> nodes_;  // addresses stay while tasks fill them in
  std::unordered_map<std::string, Node*> known_;
  TaskPool pool_;  // last: its threads end before what they use
};

std::string DigestList(const std::vector<Item>& items, std::string_view base_name) {
  auto digest_of = [](const Item& item) { return item.target == nullptr ? item.node->digest : DigestTree(*item.target); };
  if (items.size() == 1 && BaseName(items[0].path) == base_name) return FormatDigest(digest_of(items[0]));
  std::string text;
  for (const Item& item : items) {
    if (&item != &items[0]) text.push_back('\0');
    text += BaseName(item.path);
    text += FormatDigest(digest_of(item));
  }
  return FormatDigest(DigestOf(text));
}

Result<HashContentResult> ContentHasher::Run() {
  std::vector<Plan> plans;
  Status planned = Unit{};
  for (const ContentSelection& selection : request_.selections) {
    auto plan = PlanSelection(selection);
    if (!plan.ok()) {
      planned = std::move(plan.error());
      break;
    }
    plans.push_back(std::move(*plan));
  }
  // Tasks point at nodes: they end before anything else does.
  Status drained = pool_.Drain();
  if (!planned.ok()) return std::move(planned.error());
  if (!drained.ok()) return std::move(drained.error());
  // Only now it is known which of a list are symlinks.
  for (size_t i = 0; i < plans.size(); i++) {
    if (!request_.selections[i].follow_symlinks) continue;
    planned = PlanLinks(&plans[i]);
    if (!planned.ok()) break;
  }
  drained = pool_.Drain();
  if (!planned.ok()) return std::move(planned.error());
  if (!drained.ok()) return std::move(drained.error());
  cache_.Save();
  for (size_t i = 0; i < plans.size(); i++) {
    const Plan& plan = plans[i];
    std::string digest;
    if (plan.is_list && !plan.missing) digest = DigestList(plan.items, BaseName(request_.selections[i].path));
    if (plan.whole != nullptr) digest = FormatDigest(DigestTree(*plan.whole));
    result_.digests.push_back(std::move(digest));
  }
  return std::move(result_);
}

Result<Plan> ContentHasher::PlanSelection(const ContentSelection& selection) {
  Plan plan;
  if (!selection.wildcard && selection.include.empty() && selection.exclude.empty()) {
    auto node = PlanWhole(selection.path, selection.follow_symlinks);
    if (!node.ok()) return std::move(node.error());
    plan.whole = *node;
    return plan;
  }
  auto include = PatternProgram::Parse(selection.include);
  if (!include.ok()) return std::move(include.error());
  auto exclude = PatternProgram::Parse(selection.exclude);
  if (!exclude.ok()) return std::move(exclude.error());
  const Filters filters{std::move(*include), std::move(*exclude)};
  auto matches = FindSources(tree_, {selection.path, selection.wildcard, false});
  if (!matches.ok()) return std::move(matches.error());
  // As in a walk, in which a directory's entries come before what has a longer name.
  auto before = [](const SourceMatch& a, const SourceMatch& b) {
    return std::lexicographical_compare(a.named.begin(), a.named.end(), b.named.begin(), b.named.end(), [](char x, char y) {
      auto rank = [](char c) { return c == '/' ? 0 : static_cast<unsigned char>(c); };
      return rank(x) < rank(y);
    });
  };
  std::sort(matches->begin(), matches->end(), before);
  plan.is_list = true;
  bool is_root = !selection.wildcard && selection.path == "/";
  for (const SourceMatch& match : *matches) TSB_TRY(AddMatch(match, is_root, filters, &plan.items));
  return plan;
}

Status ContentHasher::PlanLinks(Plan* plan) {
  for (Item& item : plan->items) {
    if (!item.is_top || !S_ISLNK(item.node->mode)) continue;
    auto target = PlanWhole(item.path, true);
    if (!target.ok()) return std::move(target.error());
    item.target = *target;
    // BuildKit fails the step then.
    if (*target == nullptr) plan->missing = true;
  }
  return Unit{};
}

Result<Node*> ContentHasher::PlanWhole(const std::string& path, bool follow) {
  auto matches = FindSources(tree_, {path, false, follow});
  if (!matches.ok()) return std::move(matches.error());
  if (matches->empty()) return nullptr;
  const SourceMatch& match = matches->front();
  auto [known, is_new] = known_.try_emplace(match.path, nullptr);
  if (!is_new) return known->second;
  Node& node = nodes_.emplace_back();
  known->second = &node;
  node.mode = match.status.st_mode;
  if (!S_ISDIR(match.status.st_mode)) {
    auto directory = OpenBeneath(tree_.root, ParentPath(match.path), O_PATH | O_DIRECTORY);
    if (!directory.ok()) return std::move(directory.error());
    Submit({Share(std::move(*directory)), std::string(ParentPath(match.path)), {{&node, std::string(BaseName(match.path))}}});
    return &node;
  }
  auto fd = OpenBeneath(tree_.root, match.path, O_RDONLY | O_DIRECTORY);
  if (!fd.ok()) return std::move(fd.error());
  bool any = false;
  SharedFd shared = Share(std::move(*fd));
  TSB_TRY(AddEntries(shared, match.path, tree_.ignore.JudgeFromRoot(match.path).carried, &node, &any));
  if (request_.local && match.path.empty()) {
    node.digest = DigestOf("");
  } else {
    TSB_TRY(ReadHeader(shared->get(), match.path, &node));
  }
  return &node;
}

Result<bool> ContentHasher::IsDirectory(const SharedFd& fd, const DirectoryEntry& entry, const std::string& path) {
  if (entry.type != DT_UNKNOWN) return entry.type == DT_DIR;
  struct stat status;
  if (fstatat(fd->get(), entry.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0) return Error::FromErrno("stat", path);
  return S_ISDIR(status.st_mode);
}

Status ContentHasher::AddEntries(SharedFd fd, const std::string& source_path, const PatternProgram::Carried& carried, Node* node,
                                 bool* any) {
  auto entries = ReadDirectory(fd->get(), source_path);
  if (!entries.ok()) return std::move(entries.error());
  Batch batch{fd, source_path, {}};
  for (const DirectoryEntry& entry : *entries) {
    TSB_TRY(CheckCancelled(request_.watch));
    std::string path = JoinPath(source_path, entry.name);
    PatternProgram::Verdict ignored;
    if (!tree_.ignore.empty()) ignored = tree_.ignore.Judge(path, carried);
    if (ignored.excluded && !tree_.ignore.has_negations()) continue;
    auto directory = IsDirectory(fd, entry, path);
    if (!directory.ok()) return std::move(directory.error());
    if (!*directory && ignored.excluded) continue;
    Node& child = nodes_.emplace_back();
    child.name = entry.name;
    if (!*directory) {
      *any = true;
      node->entries.push_back(&child);
      batch.entries.emplace_back(&child, entry.name);
      if (batch.entries.size() == kBatch) Submit(std::exchange(batch, {fd, source_path, {}}));
      continue;
    }
    UniqueFd below(openat(fd->get(), entry.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!below) return Error::FromErrno("open", path);
    TSB_TRY(ReadHeader(below.get(), path, &child));
    bool any_below = false;
    TSB_TRY(AddEntries(Share(std::move(below)), path, ignored.carried, &child, &any_below));
    // A directory that is left out is there only for what is in it.
    if (ignored.excluded && !any_below) continue;
    *any = true;
    node->entries.push_back(&child);
  }
  if (!batch.entries.empty()) Submit(std::move(batch));
  return Unit{};
}

// Whether patterns take a path, and what they say of its entries; `parent` is null for a match itself.
bool ContentHasher::Choose(const Filters& filters, const std::string& path, const Verdicts* parent, Verdicts* here) {
  const auto& [include, exclude] = filters;
  if (!include.empty()) {
    auto verdict = include.Judge(path, parent == nullptr ? include.AtRoot() : parent->included);
    here->included = std::move(verdict.carried);
    if (!verdict.excluded) return false;
  }
  if (exclude.empty()) return true;
  auto verdict = parent == nullptr             ? exclude.Judge(path, exclude.AtRoot())
                 : parent->excluded.has_value() ? exclude.Judge(path, *parent->excluded)
                                                : exclude.JudgeAlone(path);
  here->excluded = std::move(verdict.carried);
  return !verdict.excluded;
}

Status ContentHasher::AddMatch(const SourceMatch& match, bool skip_header, const Filters& filters, std::vector<Item>* out) {
  Verdicts here;
  bool chosen = Choose(filters, "", nullptr, &here);
  if (!S_ISDIR(match.status.st_mode)) {
    if (!chosen) return Unit{};
    auto directory = OpenBeneath(tree_.root, ParentPath(match.path), O_PATH | O_DIRECTORY);
    if (!directory.ok()) return std::move(directory.error());
    Node& node = nodes_.emplace_back();
    node.mode = match.status.st_mode;
    out->push_back({match.named, &node, true});
    Submit({Share(std::move(*directory)), std::string(ParentPath(match.path)), {{&node, std::string(BaseName(match.path))}}});
    return Unit{};
  }
  auto fd = OpenBeneath(tree_.root, match.path, O_RDONLY | O_DIRECTORY);
  if (!fd.ok()) return std::move(fd.error());
  here.ignored = tree_.ignore.JudgeFromRoot(match.path).carried;
  std::vector<Item> inside;
  bool any = false;
  SharedFd shared = Share(std::move(*fd));
  if (skip_header) {
    // The entries are then judged as if they had no directory above them.
    here.included = filters.include.AtRoot();
    here.excluded = filters.exclude.AtRoot();
  }
  TSB_TRY(AddItems(shared, match.path, match.named, "", filters, here, &inside, &any));
  if (skip_header) {
    for (Item& item : inside) item.is_top = item.path.find('/') == std::string::npos;
  }
  if (!skip_header && (chosen || !inside.empty())) {
    Node& node = nodes_.emplace_back();
    TSB_TRY(ReadHeader(shared->get(), match.path, &node));
    out->push_back({match.named, &node});
  }
  std::move(inside.begin(), inside.end(), std::back_inserter(*out));
  return Unit{};
}

// Adds what patterns choose of a directory's entries, each with the directories above it that are not there yet.
Status ContentHasher::AddItems(SharedFd fd, const std::string& source_path, const std::string& named, const std::string& relative,
                               const Filters& filters, const Verdicts& here, std::vector<Item>* out, bool* any) {
  auto entries = ReadDirectory(fd->get(), source_path);
  if (!entries.ok()) return std::move(entries.error());
  Batch batch{fd, source_path, {}};
  for (const DirectoryEntry& entry : *entries) {
    TSB_TRY(CheckCancelled(request_.watch));
    std::string path = JoinPath(source_path, entry.name);
    PatternProgram::Verdict ignored;
    if (!tree_.ignore.empty()) ignored = tree_.ignore.Judge(path, here.ignored);
    if (ignored.excluded && !tree_.ignore.has_negations()) continue;
    auto directory = IsDirectory(fd, entry, path);
    if (!directory.ok()) return std::move(directory.error());
    if (!*directory && ignored.excluded) continue;
    Verdicts below;
    below.ignored = std::move(ignored.carried);
    bool chosen = Choose(filters, JoinPath(relative, entry.name), &here, &below);
    if (!*directory) {
      *any = true;
      if (!chosen) continue;
      Node& node = nodes_.emplace_back();
      out->push_back({JoinPath(named, entry.name), &node});
      batch.entries.emplace_back(&node, entry.name);
      if (batch.entries.size() == kBatch) Submit(std::exchange(batch, {fd, source_path, {}}));
      continue;
    }
    UniqueFd child(openat(fd->get(), entry.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!child) return Error::FromErrno("open", path);
    Node& node = nodes_.emplace_back();
    TSB_TRY(ReadHeader(child.get(), path, &node));
    std::vector<Item> inside;
    bool any_below = false;
    TSB_TRY(AddItems(Share(std::move(child)), path, JoinPath(named, entry.name), JoinPath(relative, entry.name), filters, below,
                     &inside, &any_below));
    if (ignored.excluded && !any_below) continue;
    *any = true;
    if (chosen || !inside.empty()) out->push_back({JoinPath(named, entry.name), &node});
    std::move(inside.begin(), inside.end(), std::back_inserter(*out));
  }
  if (!batch.entries.empty()) Submit(std::move(batch));
  return Unit{};
}

Result<std::vector<Xattr>> ContentHasher::ReadXattrs(int fd, const std::string& source_path) const {
  if (tree_.git_modes) return std::vector<Xattr>{};
  return ReadContentXattrs(fd, source_path);
}

Status ContentHasher::ReadHeader(int fd, const std::string& source_path, Node* node) {
  struct stat status;
  if (fstat(fd, &status) < 0) return Error::FromErrno("fstat", source_path);
  tree_.Normalise(&status);
  auto xattrs = ReadXattrs(fd, source_path);
  if (!xattrs.ok()) return std::move(xattrs.error());
  node->mode = status.st_mode;
  node->digest = DigestOf(MakeHeader(status, tree_.OwnerOf(status), "", *xattrs));
  return Unit{};
}

void ContentHasher::Submit(Batch batch) {
  // After a failure nothing is taken any more; Drain says why.
  pool_.Add([this, batch = std::move(batch)]() { return LookAt(batch); });
}

Status ContentHasher::LookAt(const Batch& batch) {
  TSB_TRY(CheckCancelled(request_.watch));
  int directory = batch.directory->get();
  struct Unknown {
    const std::pair<Node*, std::string>* entry;
    struct stat status;
  };
  std::vector<Unknown> unknown;
  for (const auto& entry : batch.entries) {
    auto& [node, name] = entry;
    std::string path = JoinPath(batch.source_path, name);
    struct stat status;
    if (fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0) return Error::FromErrno("stat", path);
    node->mode = status.st_mode;
    if (S_ISREG(status.st_mode)) {
      unknown.push_back({&entry, status});
      continue;
    }
    char link[PATH_MAX];
    ssize_t size = 0;
    if (S_ISLNK(status.st_mode)) {
      size = readlinkat(directory, name.c_str(), link, sizeof(link));
      if (size < 0) return Error::FromErrno("readlink", path);
    }
    tree_.Normalise(&status);
    std::vector<Xattr> xattrs;
    if (!tree_.git_modes) {
      auto read = ReadContentXattrsByPath(ProcPath(directory, name));
      if (!read.ok()) return std::move(read.error());
      xattrs = std::move(*read);
    }
    std::string header =
        MakeHeader(status, tree_.OwnerOf(status), std::string_view(link, static_cast<size_t>(size)), xattrs);
    node->digest = DigestOf(header);
  }
  if (!request_.stat_cache_path.empty()) {
    std::lock_guard lock(mutex_);
    std::erase_if(unknown, [this](const Unknown& file) {
      auto known = cache_.Find(file.status);
      if (!known) return false;
      file.entry->first->digest = known->digest;
      return true;
    });
  }
  CountFiles(request_.watch, unknown.size());
  for (const Unknown& file : unknown) {
    const auto& [node, name] = *file.entry;
    TSB_TRY(HashFile(directory, name, JoinPath(batch.source_path, name), file.status, node));
  }
  std::lock_guard lock(mutex_);
  result_.files += batch.entries.size();
  return Unit{};
}

Status ContentHasher::HashFile(int directory, const std::string& name, const std::string& source_path, struct stat status,
                               Node* node) {
  thread_local Sha256 hash;
  timespec read_at;
  clock_gettime(CLOCK_REALTIME, &read_at);
  UniqueFd fd(openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return Error::FromErrno("open", source_path);
  if (fstat(fd.get(), &status) < 0) return Error::FromErrno("fstat", source_path);
  auto xattrs = ReadXattrs(fd.get(), source_path);
  if (!xattrs.ok()) return std::move(xattrs.error());
  struct stat seen = status;
  tree_.Normalise(&seen);
  std::string header = MakeHeader(seen, tree_.OwnerOf(seen), "", *xattrs);
  hash.Update(header.data(), header.size());
  auto total = HashOpenFile(fd.get(), status.st_size, source_path, request_.watch, &hash);
  if (!total.ok()) return std::move(total.error());
  node->digest = hash.Finish();
  std::lock_guard lock(mutex_);
  result_.bytes_read += *total;
  // A change of owner, mode or attributes moves the ctime: the entry stands for the header too.
  if (*total == static_cast<uint64_t>(status.st_size)) cache_.Add(status, read_at, {node->digest, false});
  return Unit{};
}

}  // namespace

Result<HashContentResult> HashContent(const HashContentRequest& request) {
  auto root = OpenRoot(request.root);
  if (!root.ok()) return std::move(root.error());
  SourceTree tree;
  tree.root = root->get();
  tree.owned_by_root = request.local;
  tree.git_modes = request.git_modes;
  auto ignore = PatternProgram::Parse(request.ignore);
  if (!ignore.ok()) return std::move(ignore.error());
  tree.ignore = std::move(*ignore);
  return ContentHasher(request, std::move(tree)).Run();
}

}  // namespace tsbuild
