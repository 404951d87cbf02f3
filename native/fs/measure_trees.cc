#include "fs/measure_trees.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <mutex>
#include <set>

#include "fs/directory.h"
#include "fs/sha256.h"
#include "fs/task_pool.h"

namespace tsbuild {

namespace {

// Files with several names that have been counted; of them alone, since there are few.
class Links {
 public:
  bool IsFirst(const struct stat& status) {
    std::lock_guard lock(mutex_);
    return seen_.insert({status.st_dev, status.st_ino}).second;
  }

 private:
  std::mutex mutex_;
  std::set<std::pair<dev_t, ino_t>> seen_;
};

struct Sum {
  uint64_t bytes = 0;
  uint64_t files = 0;
};

// Counts one entry; false for one that was counted under another name.
bool Count(const struct stat& status, Links* links, Sum* sum) {
  if (!S_ISDIR(status.st_mode) && status.st_nlink > 1 && !links->IsFirst(status)) return false;
  sum->files++;
  sum->bytes += static_cast<uint64_t>(status.st_blocks) * 512;
  return true;
}

Status MeasureBelow(int fd, const std::string& path, Links* links, const SharedWatch& watch, Sum* sum) {
  TSB_TRY(CheckCancelled(watch));
  auto entries = ReadDirectory(fd, path);
  if (!entries.ok()) return std::move(entries.error());
  for (const DirectoryEntry& entry : *entries) {
    struct stat status;
    // What goes away meanwhile is not there.
    if (fstatat(fd, entry.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0) {
      if (errno == ENOENT) continue;
      return Error::FromErrno("stat", JoinPath(path, entry.name));
    }
    if (!Count(status, links, sum) || !S_ISDIR(status.st_mode)) continue;
    UniqueFd child(openat(fd, entry.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!child) {
      if (errno == ENOENT || errno == ENOTDIR) continue;
      return Error::FromErrno("open", JoinPath(path, entry.name));
    }
    TSB_TRY(MeasureBelow(child.get(), JoinPath(path, entry.name), links, watch, sum));
  }
  return Unit{};
}

Status MeasureOne(const std::string& path, Links* links, const SharedWatch& watch, Sum* sum) {
  struct stat status;
  if (lstat(path.c_str(), &status) < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return Unit{};
    return Error::FromErrno("stat", path);
  }
  if (!Count(status, links, sum) || !S_ISDIR(status.st_mode)) return Unit{};
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) {
    if (errno == ENOENT || errno == ENOTDIR) return Unit{};
    return Error::FromErrno("open", path);
  }
  return MeasureBelow(fd.get(), path, links, watch, sum);
}

// The digest of a file, or why it cannot be had.
Result<std::string> HashOne(const std::string& path, const SharedWatch& watch) {
  constexpr size_t kBlock = 1024 * 1024;
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return std::string(ErrnoName(errno));
  posix_fadvise(fd.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  std::unique_ptr<char[]> block(new char[kBlock]);
  Sha256 hash;
  for (;;) {
    TSB_TRY(CheckCancelled(watch));
    ssize_t size = read(fd.get(), block.get(), kBlock);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return std::string(ErrnoName(errno));
    if (size == 0) return FormatDigest(hash.Finish());
    hash.Update(block.get(), static_cast<size_t>(size));
    CountBytes(watch, static_cast<uint64_t>(size));
  }
}

}  // namespace

Result<MeasureTreesResult> MeasureTrees(const MeasureTreesRequest& request) {
  MeasureTreesResult result;
  result.bytes.resize(request.paths.size());
  result.files.resize(request.paths.size());
  Links links;
  TaskPool pool;
  for (size_t i = 0; i < request.paths.size(); i++) {
    bool added = pool.Add([&request, &result, &links, i]() -> Status {
      Sum sum;
      TSB_TRY(MeasureOne(request.paths[i], &links, request.watch, &sum));
      result.bytes[i] = sum.bytes;
      result.files[i] = sum.files;
      CountBytes(request.watch, sum.bytes);
      CountFiles(request.watch, sum.files);
      return Unit{};
    });
    if (!added) break;
  }
  TSB_TRY(pool.Drain());
  return result;
}

Result<HashFilesResult> HashFiles(const HashFilesRequest& request) {
  HashFilesResult result;
  result.digests.resize(request.paths.size());
  TaskPool pool;
  for (size_t i = 0; i < request.paths.size(); i++) {
    bool added = pool.Add([&request, &result, i]() -> Status {
      auto digest = HashOne(request.paths[i], request.watch);
      if (!digest.ok()) return std::move(digest.error());
      result.digests[i] = std::move(*digest);
      CountFiles(request.watch, 1);
      return Unit{};
    });
    if (!added) break;
  }
  TSB_TRY(pool.Drain());
  return result;
}

}  // namespace tsbuild
