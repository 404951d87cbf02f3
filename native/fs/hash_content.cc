#include "fs/hash_content.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <iterator>
#include <optional>
#include <unordered_map>
#include <utility>

#include "fs/content_digest.h"
#include "fs/content_reader.h"
#include "fs/directory.h"
#include "fs/mounted_root.h"
#include "fs/source_tree.h"

namespace tsbuild {

namespace {

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

struct Plan {
  ContentNode* whole = nullptr;  // a path without patterns
  bool is_list = false;
  std::vector<ContentItem> items;
  bool missing = false;
};

class ContentHasher {
 public:
  ContentHasher(const HashContentRequest& request, SourceTree tree)
      : request_(request), tree_(std::move(tree)), reader_(request, tree_) {}

  Result<HashContentResult> Run();

 private:
  Result<Plan> PlanSelection(const ContentSelection& selection);
  Status PlanLinks(Plan* plan);
  // The node of a path with all that is below it; null when nothing is there. A path is looked at once.
  Result<ContentNode*> PlanWhole(const std::string& path, bool follow);
  Status AddEntries(SharedFd fd, const std::string& source_path, const PatternProgram::Carried& carried, ContentNode* node,
                    bool* any);
  Status AddItems(SharedFd fd, const std::string& source_path, const std::string& named, const std::string& relative,
                  const Filters& filters, const Verdicts& here, std::vector<ContentItem>* out, bool* any);
  Status AddMatch(const SourceMatch& match, bool skip_header, const Filters& filters, std::vector<ContentItem>* out);
  static bool Choose(const Filters& filters, const std::string& path, const Verdicts* parent, Verdicts* here);
  Result<bool> IsDirectory(const SharedFd& fd, const DirectoryEntry& entry, const std::string& path);

  const HashContentRequest& request_;
  SourceTree tree_;
  std::deque<ContentNode> nodes_;  // addresses stay while tasks fill them in
  std::unordered_map<std::string, ContentNode*> known_;
  ContentReader reader_;  // last: its threads end before what they use
};

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
  Status drained = reader_.Drain();
  if (!planned.ok()) return std::move(planned.error());
  if (!drained.ok()) return std::move(drained.error());
  // Only now it is known which of a list are symlinks.
  for (size_t i = 0; i < plans.size(); i++) {
    if (!request_.selections[i].follow_symlinks) continue;
    planned = PlanLinks(&plans[i]);
    if (!planned.ok()) break;
  }
  drained = reader_.Drain();
  if (!planned.ok()) return std::move(planned.error());
  if (!drained.ok()) return std::move(drained.error());
  reader_.SaveStats();
  HashContentResult result = reader_.counts();
  for (size_t i = 0; i < plans.size(); i++) {
    const Plan& plan = plans[i];
    std::string digest;
    if (plan.is_list && !plan.missing) digest = DigestList(plan.items, BaseName(request_.selections[i].path));
    if (plan.whole != nullptr) digest = FormatDigest(DigestTree(*plan.whole));
    result.digests.push_back(std::move(digest));
  }
  return result;
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
  for (ContentItem& item : plan->items) {
    if (!item.is_top || !S_ISLNK(item.node->mode)) continue;
    auto target = PlanWhole(item.path, true);
    if (!target.ok()) return std::move(target.error());
    item.target = *target;
    // BuildKit fails the step then.
    if (*target == nullptr) plan->missing = true;
  }
  return Unit{};
}

Result<ContentNode*> ContentHasher::PlanWhole(const std::string& path, bool follow) {
  auto matches = FindSources(tree_, {path, false, follow});
  if (!matches.ok()) return std::move(matches.error());
  if (matches->empty()) return nullptr;
  const SourceMatch& match = matches->front();
  auto [known, is_new] = known_.try_emplace(match.path, nullptr);
  if (!is_new) return known->second;
  ContentNode& node = nodes_.emplace_back();
  known->second = &node;
  node.mode = match.status.st_mode;
  if (!S_ISDIR(match.status.st_mode)) {
    auto directory = OpenBeneath(tree_.root, ParentPath(match.path), O_PATH | O_DIRECTORY);
    if (!directory.ok()) return std::move(directory.error());
    reader_.Submit(
        {Share(std::move(*directory)), std::string(ParentPath(match.path)), {{&node, std::string(BaseName(match.path))}}});
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
    TSB_TRY(reader_.ReadHeader(shared->get(), match.path, &node));
  }
  return &node;
}

Result<bool> ContentHasher::IsDirectory(const SharedFd& fd, const DirectoryEntry& entry, const std::string& path) {
  if (entry.type != DT_UNKNOWN) return entry.type == DT_DIR;
  struct stat status;
  if (fstatat(fd->get(), entry.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0) return Error::FromErrno("stat", path);
  return S_ISDIR(status.st_mode);
}

Status ContentHasher::AddEntries(SharedFd fd, const std::string& source_path, const PatternProgram::Carried& carried,
                                 ContentNode* node, bool* any) {
  auto entries = ReadDirectory(fd->get(), source_path);
  if (!entries.ok()) return std::move(entries.error());
  ContentBatch batch{fd, source_path, {}};
  for (const DirectoryEntry& entry : *entries) {
    TSB_TRY(CheckCancelled(request_.watch));
    std::string path = JoinPath(source_path, entry.name);
    PatternProgram::Verdict ignored;
    if (!tree_.ignore.empty()) ignored = tree_.ignore.Judge(path, carried);
    if (ignored.excluded && !tree_.ignore.has_negations()) continue;
    auto directory = IsDirectory(fd, entry, path);
    if (!directory.ok()) return std::move(directory.error());
    if (!*directory && ignored.excluded) continue;
    ContentNode& child = nodes_.emplace_back();
    child.name = entry.name;
    if (!*directory) {
      *any = true;
      node->entries.push_back(&child);
      batch.entries.emplace_back(&child, entry.name);
      if (batch.entries.size() == ContentBatch::kMost) reader_.Submit(std::exchange(batch, {fd, source_path, {}}));
      continue;
    }
    UniqueFd below(openat(fd->get(), entry.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!below) return Error::FromErrno("open", path);
    TSB_TRY(reader_.ReadHeader(below.get(), path, &child));
    bool any_below = false;
    TSB_TRY(AddEntries(Share(std::move(below)), path, ignored.carried, &child, &any_below));
    // A directory that is left out is there only for what is in it.
    if (ignored.excluded && !any_below) continue;
    *any = true;
    node->entries.push_back(&child);
  }
  if (!batch.entries.empty()) reader_.Submit(std::move(batch));
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

Status ContentHasher::AddMatch(const SourceMatch& match, bool skip_header, const Filters& filters, std::vector<ContentItem>* out) {
  Verdicts here;
  bool chosen = Choose(filters, "", nullptr, &here);
  if (!S_ISDIR(match.status.st_mode)) {
    if (!chosen) return Unit{};
    auto directory = OpenBeneath(tree_.root, ParentPath(match.path), O_PATH | O_DIRECTORY);
    if (!directory.ok()) return std::move(directory.error());
    ContentNode& node = nodes_.emplace_back();
    node.mode = match.status.st_mode;
    out->push_back({match.named, &node, true});
    reader_.Submit(
        {Share(std::move(*directory)), std::string(ParentPath(match.path)), {{&node, std::string(BaseName(match.path))}}});
    return Unit{};
  }
  auto fd = OpenBeneath(tree_.root, match.path, O_RDONLY | O_DIRECTORY);
  if (!fd.ok()) return std::move(fd.error());
  here.ignored = tree_.ignore.JudgeFromRoot(match.path).carried;
  std::vector<ContentItem> inside;
  bool any = false;
  SharedFd shared = Share(std::move(*fd));
  if (skip_header) {
    // The entries are then judged as if they had no directory above them.
    here.included = filters.include.AtRoot();
    here.excluded = filters.exclude.AtRoot();
  }
  TSB_TRY(AddItems(shared, match.path, match.named, "", filters, here, &inside, &any));
  if (skip_header) {
    for (ContentItem& item : inside) item.is_top = item.path.find('/') == std::string::npos;
  }
  if (!skip_header && (chosen || !inside.empty())) {
    ContentNode& node = nodes_.emplace_back();
    TSB_TRY(reader_.ReadHeader(shared->get(), match.path, &node));
    out->push_back({match.named, &node});
  }
  std::move(inside.begin(), inside.end(), std::back_inserter(*out));
  return Unit{};
}

// Adds what patterns choose of a directory's entries, each with the directories above it that are not there yet.
Status ContentHasher::AddItems(SharedFd fd, const std::string& source_path, const std::string& named, const std::string& relative,
                               const Filters& filters, const Verdicts& here, std::vector<ContentItem>* out, bool* any) {
  auto entries = ReadDirectory(fd->get(), source_path);
  if (!entries.ok()) return std::move(entries.error());
  ContentBatch batch{fd, source_path, {}};
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
      ContentNode& node = nodes_.emplace_back();
      out->push_back({JoinPath(named, entry.name), &node});
      batch.entries.emplace_back(&node, entry.name);
      if (batch.entries.size() == ContentBatch::kMost) reader_.Submit(std::exchange(batch, {fd, source_path, {}}));
      continue;
    }
    UniqueFd child(openat(fd->get(), entry.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!child) return Error::FromErrno("open", path);
    ContentNode& node = nodes_.emplace_back();
    TSB_TRY(reader_.ReadHeader(child.get(), path, &node));
    std::vector<ContentItem> inside;
    bool any_below = false;
    TSB_TRY(AddItems(Share(std::move(child)), path, JoinPath(named, entry.name), JoinPath(relative, entry.name), filters, below,
                     &inside, &any_below));
    if (ignored.excluded && !any_below) continue;
    *any = true;
    if (chosen || !inside.empty()) out->push_back({JoinPath(named, entry.name), &node});
    std::move(inside.begin(), inside.end(), std::back_inserter(*out));
  }
  if (!batch.entries.empty()) reader_.Submit(std::move(batch));
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
