#include "layer/tree_parts.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "fs/directory.h"
#include "fs/sha256.h"
#include "layer/diff_walk.h"
#include "layer/pack_into.h"
#include "layer/pipelined_source.h"
#include "layer/tar_reader.h"
#include "layer/tree_extractor.h"
#include "layer/tree_packer.h"

namespace tsbuild {

namespace {

constexpr uint64_t kFnvStart = 0xcbf29ce484222325, kFnvPrime = 0x100000001b3;

uint64_t HashBytes(std::string_view bytes, uint64_t hash = kFnvStart) {
  for (char byte : bytes) hash = (hash ^ static_cast<uint8_t>(byte)) * kFnvPrime;
  return hash;
}

uint64_t HashNumber(uint64_t number, uint64_t hash) {
  return HashBytes({reinterpret_cast<const char*>(&number), sizeof(number)}, hash);
}

// The finaliser of splitmix64: FNV alone leaves its high bits nearly as they were for names that differ at their end.
uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

uint64_t StampOf(const std::string& path, const struct stat& status) {
  uint64_t hash = HashBytes(path);
  uint64_t size = S_ISDIR(status.st_mode) ? 0 : static_cast<uint64_t>(status.st_size);
  for (uint64_t number : {static_cast<uint64_t>(status.st_mode), static_cast<uint64_t>(status.st_uid),
                          static_cast<uint64_t>(status.st_gid), size, static_cast<uint64_t>(status.st_mtim.tv_sec),
                          static_cast<uint64_t>(status.st_mtim.tv_nsec), static_cast<uint64_t>(status.st_ctim.tv_sec),
                          static_cast<uint64_t>(status.st_ctim.tv_nsec), static_cast<uint64_t>(status.st_ino),
                          static_cast<uint64_t>(status.st_dev)}) {
    hash = HashNumber(number, hash);
  }
  return Mix(hash);
}

double Milliseconds(const timespec& time) { return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6; }

Result<UniqueFd> OpenDirectory(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return Error::FromErrno("open", path);
  return fd;
}

std::vector<std::string> SplitZeros(const std::string& text) {
  std::vector<std::string> out;
  for (size_t at = 0; at < text.size();) {
    size_t end = std::min(text.find('\0', at), text.size());
    out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

Error FileChanged(const std::string& path) {
  return Error::Own("FILE_CHANGED", "the file was changed while it was read", path);
}

// Looks at entries of a tree that others may be changing: no symlink on the way is followed.
class EntryReader {
 public:
  explicit EntryReader(int root) : root_(root) {}

  Result<struct stat> Stat(const std::string& path) {
    std::string_view parent = ParentPath(path);
    if (!directory_ || parent != parent_) {
      auto opened = OpenBeneath(root_, parent, O_PATH | O_DIRECTORY);
      if (!opened.ok()) return FileChanged(path);
      directory_ = std::move(*opened);
      parent_ = parent;
    }
    struct stat status;
    std::string name(BaseName(path));
    if (fstatat(directory_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0) return FileChanged(path);
    return status;
  }

 private:
  const int root_;
  UniqueFd directory_;
  std::string parent_;
};

Result<PackPartResult> Pack(const PackPartRequest& request, int output) {
  auto root = OpenDirectory(request.root);
  if (!root.ok()) return std::move(root.error());
  std::vector<std::string> paths = SplitZeros(request.paths);
  std::vector<std::string> targets = SplitZeros(request.targets);
  EntryReader entries(root->get());
  BlobWriter blob(output, Compression::kZstd, 0);
  TarWriter tar(blob);
  TreePacker packer({root->get()}, tar, std::nullopt, TreePacker::Kind::kPart);
  Sha256 fingerprint;
  for (size_t i = 0; i < paths.size(); i++) {
    auto status = entries.Stat(paths[i]);
    if (!status.ok()) return std::move(status.error());
    uint64_t stamp = StampOf(paths[i], *status);
    fingerprint.Update(&stamp, sizeof(stamp));
    TSB_TRY(targets.empty() ? packer.PackEntry({paths[i], false, *status, 0})
                            : packer.PackLink({paths[i], false, *status, 0}, targets[i]));
  }
  TSB_TRY(tar.Finish());
  auto digests = blob.Finish();
  if (!digests.ok()) return std::move(digests.error());
  return PackPartResult{std::move(*digests), paths.size(), FormatDigest(fingerprint.Finish())};
}

// Ends where more comes than was announced: compressed, it costs its author next to nothing.
class BoundedSource : public ByteSource {
 public:
  BoundedSource(ByteSource& source, uint64_t most) : source_(source), left_(most) {}

  Result<size_t> Read(char* buffer, size_t size) override {
    auto read = source_.Read(buffer, size);
    if (!read.ok()) return read;
    if (*read > left_) return Error::Own("TAR_TOO_LARGE", "the archive has more bytes than its descriptor says");
    left_ -= *read;
    return read;
  }

 private:
  ByteSource& source_;
  uint64_t left_;
};

}  // namespace

Result<SurveyTreeResult> SurveyTree(const SurveyTreeRequest& request) {
  auto root = OpenDirectory(request.path);
  if (!root.ok()) return std::move(root.error());
  SurveyTreeResult result;
  struct stat top;
  if (fstat(root->get(), &top) < 0) return Error::FromErrno("fstat", request.path);
  result.changed_ms = Milliseconds(top.st_ctim);
  auto entries = WalkTree(root->get());
  // It went away, or became something else, between two looks: somebody works in it.
  if (!entries.ok()) {
    int number = entries.error().error_number;
    return number == ENOENT || number == ENOTDIR ? FileChanged(entries.error().path) : std::move(entries.error());
  }
  std::map<std::pair<dev_t, ino_t>, int64_t> names;
  for (const Change& entry : *entries) {
    const struct stat& status = entry.status;
    char type = S_ISDIR(status.st_mode) ? 'd' : S_ISREG(status.st_mode) ? 'f' : S_ISLNK(status.st_mode) ? 'l' : '\0';
    if (type == '\0') {
      result.left_out++;
      continue;
    }
    int64_t first = -1;
    if (type == 'f' && status.st_nlink > 1) {
      first = names.try_emplace({status.st_dev, status.st_ino}, static_cast<int64_t>(result.types.size())).first->second;
    }
    result.paths.append(entry.path).push_back('\0');
    result.types.push_back(type);
    result.sizes.push_back(type == 'd' ? 0 : static_cast<uint64_t>(status.st_size));
    result.stamps.push_back(StampOf(entry.path, status));
    result.hashes.push_back(static_cast<uint32_t>(Mix(HashBytes(entry.path)) >> 32));
    result.used_ms.push_back(std::max(Milliseconds(status.st_atim), Milliseconds(status.st_mtim)));
    result.firsts.push_back(first);
    result.changed_ms = std::max(result.changed_ms, Milliseconds(status.st_ctim));
  }
  return result;
}

Result<PackPartResult> PackPart(const PackPartRequest& request) {
  return PackInto(request.output, 0600, [&](int output) { return Pack(request, output); });
}

Result<UnpackPartResult> UnpackPart(const UnpackPartRequest& request) {
  TSB_TRY(ClearThreadUmask());
  auto root = OpenDirectory(request.target);
  if (!root.ok()) return std::move(root.error());
  UniqueFd blob(open(request.blob.c_str(), O_RDONLY | O_CLOEXEC));
  if (!blob) return Error::FromErrno("open", request.blob);
  auto source = OpenDecompressor(blob.get(), Compression::kZstd);
  if (!source.ok()) return std::move(source.error());
  PipelinedSource ahead(std::move(*source));
  BoundedSource bounded(ahead, request.max_bytes);
  TarReader tar(bounded);
  TreeExtractor extractor(root->get(), ExtractInto::kPlain, std::nullopt, TreeExtractor::Trust::kFilesOnly,
                          request.max_entries);
  TSB_TRY(extractor.Extract(tar));
  return UnpackPartResult{extractor.entries(), extractor.content_size()};
}

}  // namespace tsbuild
