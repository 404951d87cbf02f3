#include "layer/unpack_layer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/directory.h"
#include "fs/mounted_root.h"
#include "fs/remove_tree.h"
#include "layer/digest_layer.h"
#include "layer/pipelined_source.h"
#include "layer/tar_reader.h"
#include "layer/tree_extractor.h"

namespace tsbuild {

namespace {

// The overlay's work directory, beside the target, for as long as the layer is unpacked through a mount.
class WorkDirectory {
 public:
  explicit WorkDirectory(const std::string& target) : path_(target + "-unpack") { mkdir(path_.c_str(), 0700); }
  ~WorkDirectory() { (void)RemoveTree({path_}).ok(); }
  WorkDirectory(const WorkDirectory&) = delete;
  WorkDirectory& operator=(const WorkDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Result<UnpackLayerResult> Unpack(const UnpackLayerRequest& request, int root, ExtractInto into) {
  UniqueFd blob(open(request.blob.c_str(), O_RDONLY | O_CLOEXEC));
  if (!blob) return Error::FromErrno("open", request.blob);
  posix_fadvise(blob.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  auto source = request.compression ? OpenDecompressor(blob.get(), *request.compression) : OpenSniffed(blob.get());
  if (!source.ok()) return std::move(source.error());
  PipelinedSource ahead(std::move(*source));
  TarReader tar(ahead);
  TreeExtractor extractor(root, into, std::nullopt);
  Status extracted = extractor.Extract(tar);
  if (!extracted.ok() && !extracted.error().code.starts_with("TAR_")) return std::move(extracted.error());
  auto digest = ahead.Finish();
  // A checksum comes after what it covers: where the compressed data is damaged, the tar may be seen to be wrong first.
  if (!extracted.ok()) return std::move(digest.ok() ? extracted.error() : digest.error());
  if (!digest.ok()) return std::move(digest.error());
  TSB_TRY(CheckDiffID(digest->digest, request.expected_diff_id, request.blob));
  return UnpackLayerResult{.diff_id = std::move(digest->digest),
                           .diff_size = digest->size,
                           .content_size = extractor.content_size(),
                           .entries = extractor.entries(),
                           .needs_lowers = extractor.needs_lowers(),
                           .has_root = extractor.has_root()};
}

}  // namespace

Result<UnpackLayerResult> UnpackLayer(const UnpackLayerRequest& request) {
  TSB_TRY(ClearThreadUmask());
  if (!request.lowers || request.lowers->empty()) {
    auto root = OpenRoot({.lowers = {}, .upper = request.target, .work = {}});
    if (!root.ok()) return std::move(root.error());
    return Unpack(request, root->get(), request.lowers ? ExtractInto::kBottom : ExtractInto::kOverlay);
  }
  WorkDirectory work(request.target);
  auto root = OpenRoot({.lowers = *request.lowers, .upper = request.target, .work = work.path()});
  if (!root.ok()) return std::move(root.error());
  auto unpacked = Unpack(request, root->get(), ExtractInto::kMerged);
  // The mount goes before the work directory does.
  root->reset();
  return unpacked;
}

}  // namespace tsbuild
