#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "fs/job_watch.h"

namespace tsbuild {

struct MeasureTreesRequest {
  std::vector<std::string> paths;
  SharedWatch watch;  // counts files and bytes
};

// A number for each path.
struct MeasureTreesResult {
  std::vector<uint64_t> bytes;  // on disk (st_blocks), as du(1) counts: a file of several names once, where it is met first
  std::vector<uint64_t> files;
};

// Measures files and trees, each with what it is itself, many at once. What is not there is 0; links are not followed.
Result<MeasureTreesResult> MeasureTrees(const MeasureTreesRequest& request);

struct HashFilesRequest {
  std::vector<std::string> paths;
  SharedWatch watch;  // counts files and bytes
};

struct HashFilesResult {
  std::vector<std::string> digests;  // "sha256:…"; or the name of the errno by which the file cannot be read
};

// SHA-256 of whole files, several at once, streamed; the page cache keeps nothing of them that it did not have.
Result<HashFilesResult> HashFiles(const HashFilesRequest& request);

}  // namespace tsbuild
