#include "layer/blob_writer.h"

#include <unistd.h>
#include <zstd.h>

#include <cstring>

#include "layer/gzip_blocks.h"

namespace tsbuild {

namespace {

// Frames that each know nothing of the one before: larger, so that little is lost by that.
constexpr size_t kZstdBlock = 4 * 1024 * 1024;
// By measurement: the size of zlib's level 6, at 2.7 times its speed.
constexpr int kDefaultGzipLevel = 4;
constexpr int kDefaultZstdLevel = 3;

int LevelOr(int level, int fallback, int highest) { return level <= 0 ? fallback : std::min(level, highest); }

}  // namespace

BlobWriter::BlobWriter(int output, Compression compression, int level)
    : output_(output),
      compression_(compression),
      level_(compression == Compression::kZstd ? LevelOr(level, kDefaultZstdLevel, 19)
                                               : LevelOr(level, kDefaultGzipLevel, 12)),
      block_size_(compression == Compression::kZstd ? kZstdBlock : kGzipBlock),
      to_hash_(8),
      to_write_(2 * WorkerCount() + 2) {
  current_.reserve(block_size_);
  hasher_ = std::thread([this] { HashTar(); });
  writer_ = std::thread([this] { WriteBlocks(); });
}

BlobWriter::~BlobWriter() {
  if (!hasher_.joinable()) return;
  to_hash_.Abandon();
  to_write_.Abandon();
  Stop();
}

void BlobWriter::Stop() {
  to_hash_.Close();
  to_write_.Close();
  hasher_.join();
  writer_.join();
}

Status BlobWriter::Write(const char* data, size_t size) {
  while (size > 0) {
    size_t part = std::min(size, block_size_ - current_.size());
    current_.insert(current_.end(), data, data + part);
    data += part;
    size -= part;
    if (current_.size() == block_size_) TSB_TRY(Submit());
  }
  return Unit{};
}

Status BlobWriter::Submit() {
  auto block = std::make_shared<const Block>(std::exchange(current_, {}));
  current_.reserve(block_size_);
  digests_.diff_size += block->size();
  auto promise = std::make_shared<std::promise<SharedBlock>>();
  bool taken = to_hash_.Push(block) && to_write_.Push(promise->get_future().share());
  if (compression_ == Compression::kNone) {
    promise->set_value(block);
  } else if (taken) {
    pool_.Add([this, block, promise]() -> Status {
      promise->set_value(std::make_shared<const Block>(Compress(*block)));
      return Unit{};
    });
  }
  if (!taken) {
    Stop();
    return write_error_ ? *write_error_ : Error::WithErrno(EIO, "write");
  }
  return Unit{};
}

BlobWriter::Block BlobWriter::Compress(const Block& block) const {
  Block out;
  if (compression_ == Compression::kGzip) {
    // A thread belongs to one pool, so the level never changes under it.
    thread_local std::unique_ptr<GzipBlockCompressor> compressor;
    if (compressor == nullptr) compressor = std::make_unique<GzipBlockCompressor>(level_);
    compressor->Compress(block.data(), block.size(), &out);
    return out;
  }
  thread_local std::unique_ptr<ZSTD_CCtx, size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(), ZSTD_freeCCtx);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, level_);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  out.resize(ZSTD_compressBound(block.size()));
  out.resize(ZSTD_compress2(context.get(), out.data(), out.size(), block.data(), block.size()));
  return out;
}

void BlobWriter::HashTar() {
  Sha256 hash;
  while (auto block = to_hash_.Pop()) hash.Update((*block)->data(), (*block)->size());
  digests_.diff_id = FormatDigest(hash.Finish());
}

void BlobWriter::WriteBlocks() {
  Sha256 hash;
  while (auto next = to_write_.Pop()) {
    SharedBlock block = next->get();
    // Uncompressed, the blob is the tar: its digest is known already.
    if (compression_ != Compression::kNone) hash.Update(block->data(), block->size());
    digests_.size += block->size();
    for (size_t done = 0; output_ >= 0 && done < block->size();) {
      ssize_t n = write(output_, block->data() + done, block->size() - done);
      if (n > 0) {
        done += static_cast<size_t>(n);
      } else if (errno != EINTR) {
        write_error_ = Error::FromErrno("write");
        to_hash_.Abandon();
        to_write_.Abandon();
        return;
      }
    }
  }
  digests_.digest = FormatDigest(hash.Finish());
}

Result<BlobDigests> BlobWriter::Finish() {
  if (!current_.empty() || digests_.diff_size == 0) TSB_TRY(Submit());
  Stop();
  if (write_error_) return *write_error_;
  if (compression_ == Compression::kNone) digests_.digest = digests_.diff_id;
  return digests_;
}

}  // namespace tsbuild
