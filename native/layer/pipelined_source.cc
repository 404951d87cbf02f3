#include "layer/pipelined_source.h"

#include <algorithm>
#include <cstring>

#include "fs/sha256.h"

namespace tsbuild {

namespace {

constexpr size_t kChunk = 512 * 1024;
constexpr size_t kAhead = 8;

}  // namespace

PipelinedSource::PipelinedSource(std::unique_ptr<ByteSource> source)
    : source_(std::move(source)), to_read_(kAhead), to_hash_(kAhead) {
  reader_ = std::thread([this] { ReadAhead(); });
  hasher_ = std::thread([this] { Hash(); });
}

PipelinedSource::~PipelinedSource() {
  to_read_.Abandon();
  Join();
}

void PipelinedSource::Join() {
  if (!reader_.joinable()) return;
  reader_.join();
  hasher_.join();
}

void PipelinedSource::ReadAhead() {
  for (bool more = true; more;) {
    auto chunk = std::make_shared<Chunk>(kChunk);
    size_t filled = 0;
    while (filled < kChunk) {
      auto n = source_->Read(chunk->data() + filled, kChunk - filled);
      if (!n.ok()) error_ = std::move(n.error());
      if (!n.ok() || *n == 0) {
        more = false;
        break;
      }
      filled += *n;
    }
    chunk->resize(filled);
    if (filled == 0) break;
    if (!to_hash_.Push(chunk) || !to_read_.Push(chunk)) break;
  }
  to_hash_.Close();
  to_read_.Close();
}

void PipelinedSource::Hash() {
  Sha256 hash;
  while (auto chunk = to_hash_.Pop()) {
    hash.Update((*chunk)->data(), (*chunk)->size());
    digest_.size += (*chunk)->size();
  }
  digest_.digest = FormatDigest(hash.Finish());
}

Result<bool> PipelinedSource::NextChunk() {
  if (ended_) return false;
  auto next = to_read_.Pop();
  if (next) {
    chunk_ = std::move(*next);
    at_ = 0;
    return true;
  }
  ended_ = true;
  Join();
  if (error_) return *error_;
  return false;
}

Result<size_t> PipelinedSource::Read(char* buffer, size_t size) {
  while (chunk_ == nullptr || at_ == chunk_->size()) {
    auto more = NextChunk();
    if (!more.ok()) return std::move(more.error());
    if (!*more) return size_t{0};
  }
  size_t n = std::min(size, chunk_->size() - at_);
  memcpy(buffer, chunk_->data() + at_, n);
  at_ += n;
  return n;
}

Result<PipelinedSource::Digest> PipelinedSource::Finish() {
  for (;;) {
    auto more = NextChunk();
    if (!more.ok()) return std::move(more.error());
    if (!*more) break;
  }
  if (error_) return *error_;
  return digest_;
}

}  // namespace tsbuild
