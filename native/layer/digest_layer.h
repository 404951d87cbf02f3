#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "layer/decompress.h"

namespace tsbuild {

struct DigestLayerRequest {
  std::string blob;
  Compression compression = Compression::kNone;
  std::string expected_diff_id;  // empty: whatever it is
};

struct DigestLayerResult {
  std::string diff_id;
  uint64_t diff_size = 0;
};

// `DIFFID_MISMATCH`; an empty `expected` is anything.
Status CheckDiffID(const std::string& diff_id, const std::string& expected, const std::string& blob);

// What a layer blob is when it is uncompressed, without unpacking it. `DIFFID_MISMATCH`, and the codes of the decompressors.
Result<DigestLayerResult> DigestLayer(const DigestLayerRequest& request);

}  // namespace tsbuild
