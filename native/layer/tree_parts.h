#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "layer/blob_writer.h"

namespace tsbuild {

struct SurveyTreeRequest {
  std::string path;
};

// What a plain directory holds, in the order of a sorted walk with parents before what is in them, one column a field. What can
// travel: directories, files and symlinks.
struct SurveyTreeResult {
  std::string paths;              // from the root, each ended by a zero byte
  std::string types;              // d, f or l
  std::vector<uint64_t> sizes;    // bytes of files and of symlinks' targets
  std::vector<uint64_t> stamps;   // of everything that stat(2) says and that a change would change
  std::vector<uint32_t> hashes;   // of the path alone
  std::vector<double> used_ms;    // the later of atime and mtime
  std::vector<int64_t> firsts;    // where the first name of the same file is; -1 for a file of one name
  uint64_t left_out = 0;          // devices, fifos, sockets
  double changed_ms = 0;          // the latest ctime, that of the root included
};

Result<SurveyTreeResult> SurveyTree(const SurveyTreeRequest& request);

struct PackPartRequest {
  std::string root;
  std::string paths;    // in their order, each ended by a zero byte
  std::string targets;  // empty, or for each path the other name of the file that it is a hardlink to
  std::string output;   // empty: only hashed
};

struct PackPartResult {
  BlobDigests digests;
  uint64_t entries = 0;
  std::string fingerprint;  // digest of the entries' stamps, as they were when they were packed
};

// Some entries of a plain directory as one tar.zst: nanoseconds of mtimes are kept, set-id bits and capabilities of files are not.
// Equal entries give equal bytes. `FILE_CHANGED` for what is not as it was when it was looked at.
Result<PackPartResult> PackPart(const PackPartRequest& request);

struct UnpackPartRequest {
  std::string blob;
  std::string target;
  uint64_t max_bytes = 0;  // of the tar
  uint64_t max_entries = 0;
};

struct UnpackPartResult {
  uint64_t entries = 0;
  uint64_t bytes = 0;  // of the files
};

// Unpacks such a tar, which nobody vouches for, into a directory that may hold others already. Devices, fifos and sparse files are
// `TAR_BAD_ENTRY`, a tar of more bytes or entries `TAR_TOO_LARGE`; set-id bits and capabilities of files are dropped.
Result<UnpackPartResult> UnpackPart(const UnpackPartRequest& request);

}  // namespace tsbuild
