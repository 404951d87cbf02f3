#include "fs/content_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <utility>

#include "fs/hash_open_file.h"

namespace tsbuild {

ContentReader::ContentReader(const HashContentRequest& request, const SourceTree& tree)
    : request_(request),
      tree_(tree),
      cache_(request.stat_cache_path, request.root.lowers.empty() ? "" : request.root.lowers.front()) {}

Result<std::vector<Xattr>> ContentReader::ReadXattrs(int fd, const std::string& source_path) const {
  if (tree_.git_modes) return std::vector<Xattr>{};
  return ReadContentXattrs(fd, source_path);
}

Status ContentReader::ReadHeader(int fd, const std::string& source_path, ContentNode* node) {
  struct stat status;
  if (fstat(fd, &status) < 0) return Error::FromErrno("fstat", source_path);
  tree_.Normalise(&status);
  auto xattrs = ReadXattrs(fd, source_path);
  if (!xattrs.ok()) return std::move(xattrs.error());
  node->mode = status.st_mode;
  node->digest = DigestOf(MakeContentHeader(status, tree_.OwnerOf(status), "", *xattrs));
  return Unit{};
}

void ContentReader::Submit(ContentBatch batch) {
  // After a failure nothing is taken any more; Drain says why.
  pool_.Add([this, batch = std::move(batch)]() { return LookAt(batch); });
}

Status ContentReader::LookAt(const ContentBatch& batch) {
  TSB_TRY(CheckCancelled(request_.watch));
  int directory = batch.directory->get();
  struct Unknown {
    const std::pair<ContentNode*, std::string>* entry;
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
        MakeContentHeader(status, tree_.OwnerOf(status), std::string_view(link, static_cast<size_t>(size)), xattrs);
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
  counts_.files += batch.entries.size();
  return Unit{};
}

Status ContentReader::HashFile(int directory, const std::string& name, const std::string& source_path, struct stat status,
                               ContentNode* node) {
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
  std::string header = MakeContentHeader(seen, tree_.OwnerOf(seen), "", *xattrs);
  hash.Update(header.data(), header.size());
  auto total = HashOpenFile(fd.get(), status.st_size, source_path, request_.watch, &hash);
  if (!total.ok()) return std::move(total.error());
  node->digest = hash.Finish();
  std::lock_guard lock(mutex_);
  counts_.bytes_read += *total;
  // A change of owner, mode or attributes moves the ctime: the entry stands for the header too.
  if (*total == static_cast<uint64_t>(status.st_size)) cache_.Add(status, read_at, {node->digest, false});
  return Unit{};
}

}  // namespace tsbuild
