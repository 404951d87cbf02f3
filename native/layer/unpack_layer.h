#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "layer/decompress.h"

namespace tsbuild {

struct UnpackLayerRequest {
  std::string blob;
  std::optional<Compression> compression;  // absent: by the first bytes
  std::string target;
  std::optional<std::vector<std::string>> lowers;
  std::string expected_diff_id;
};

struct UnpackLayerResult {
  std::string diff_id;
  uint64_t diff_size = 0;
  uint64_t content_size = 0;
  uint64_t entries = 0;
  bool needs_lowers = false;
  bool has_root = false;  // says what the root directory itself is like
};

// Unpacks a layer into an empty directory, in overlay form. `DIFFID_MISMATCH`, and the codes of the readers.
Result<UnpackLayerResult> UnpackLayer(const UnpackLayerRequest& request);

}  // namespace tsbuild
