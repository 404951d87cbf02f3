#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "layer/blob_writer.h"
#include "mount/root_mount.h"

namespace tsbuild {

struct PackLayerRequest {
  std::string upper;
  std::vector<std::string> more_uppers;  // below `upper`, topmost first
  std::vector<std::string> lowers;
  Compression compression = Compression::kNone;
  int level = 0;
  std::string output;
  std::optional<int64_t> source_date_epoch;
};

struct PackLayerResult {
  BlobDigests digests;
  uint64_t content_size = 0;
  uint64_t entries = 0;
};

// The layer that turns `lowers` into `upper` over them, or into all uppers over them. Deterministic: equal trees give equal bytes.
Result<PackLayerResult> PackLayer(const PackLayerRequest& request);

struct PackTreeRequest {
  RootMount root;
  int output_fd = -1;
};

struct PackTreeResult {
  uint64_t size = 0;
  uint64_t entries = 0;
};

// A whole tree as one tar, to a descriptor that stays open.
Result<PackTreeResult> PackTree(const PackTreeRequest& request);

}  // namespace tsbuild
