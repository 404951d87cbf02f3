#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "fs/bounded_queue.h"
#include "layer/byte_stream.h"

namespace tsbuild {

// Reads another source ahead on a thread of its own and hashes what it reads on a second one, so that unpacking waits for
// neither.
class PipelinedSource : public ByteSource {
 public:
  explicit PipelinedSource(std::unique_ptr<ByteSource> source);
  ~PipelinedSource() override;

  Result<size_t> Read(char* buffer, size_t size) override;

  struct Digest {
    std::string digest;
    uint64_t size = 0;
  };
  // Reads what is left and gives the digest of everything.
  Result<Digest> Finish();

 private:
  using Chunk = std::vector<char>;
  using SharedChunk = std::shared_ptr<const Chunk>;

  void ReadAhead();
  void Hash();
  // False at the end; the error that the thread met, if it did.
  Result<bool> NextChunk();
  void Join();

  std::unique_ptr<ByteSource> source_;
  BoundedQueue<SharedChunk> to_read_;
  BoundedQueue<SharedChunk> to_hash_;
  std::optional<Error> error_;
  Digest digest_;
  SharedChunk chunk_;
  size_t at_ = 0;
  bool ended_ = false;
  std::thread reader_;
  std::thread hasher_;
};

}  // namespace tsbuild
