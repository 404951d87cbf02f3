#pragma once

#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "fs/bounded_queue.h"
#include "fs/sha256.h"
#include "fs/task_pool.h"
#include "layer/byte_stream.h"
#include "layer/decompress.h"

namespace tsbuild {

struct BlobDigests {
  std::string diff_id;
  uint64_t diff_size = 0;
  std::string digest;
  uint64_t size = 0;
};

// The way of a tar to its blob, in one pass with a bounded number of blocks under way: the tar is hashed on one thread, its
// blocks are compressed on all, the results hashed and written in order on another. The same bytes in give the same out.
class BlobWriter : public ByteSink {
 public:
  // `output` -1: nothing is written, only hashed. kNone, kGzip or kZstd; level 0 is the default one.
  BlobWriter(int output, Compression compression, int level);
  ~BlobWriter() override;

  Status Write(const char* data, size_t size) override;
  Result<BlobDigests> Finish();

 private:
  using Block = std::vector<char>;
  using SharedBlock = std::shared_ptr<const Block>;

  Status Submit();
  Block Compress(const Block& block) const;
  void HashTar();
  void WriteBlocks();
  void Stop();

  const int output_;
  const Compression compression_;
  const int level_;
  const size_t block_size_;
  Block current_;
  BoundedQueue<SharedBlock> to_hash_;
  BoundedQueue<std::shared_future<SharedBlock>> to_write_;
  BlobDigests digests_;
  std::optional<Error> write_error_;
  std::thread hasher_;
  std::thread writer_;
  TaskPool pool_;
};

}  // namespace tsbuild
