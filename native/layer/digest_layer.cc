#include "layer/digest_layer.h"

#include <fcntl.h>

#include "layer/pipelined_source.h"

namespace tsbuild {

Status CheckDiffID(const std::string& diff_id, const std::string& expected, const std::string& blob) {
  if (expected.empty() || diff_id == expected) return Unit{};
  return Error::Own("DIFFID_MISMATCH", "the layer's content has digest " + diff_id + ", the image says " + expected, blob);
}

Result<DigestLayerResult> DigestLayer(const DigestLayerRequest& request) {
  UniqueFd blob(open(request.blob.c_str(), O_RDONLY | O_CLOEXEC));
  if (!blob) return Error::FromErrno("open", request.blob);
  posix_fadvise(blob.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  auto source = OpenDecompressor(blob.get(), request.compression);
  if (!source.ok()) return std::move(source.error());
  auto digest = PipelinedSource(std::move(*source)).Finish();
  if (!digest.ok()) return std::move(digest.error());
  TSB_TRY(CheckDiffID(digest->digest, request.expected_diff_id, request.blob));
  return DigestLayerResult{.diff_id = std::move(digest->digest), .diff_size = digest->size};
}

}  // namespace tsbuild
