#include <bzlib.h>
#include <lzma.h>
#include <zstd.h>

#include <algorithm>
#include <vector>

#include "layer/decompress.h"
#include "layer/decompressors.h"

namespace tsbuild {

namespace {

constexpr size_t kInput = 256 * 1024;
// What a hostile file may make a decoder allocate.
constexpr int kMaxZstdWindowLog = 27;
constexpr uint64_t kMaxXzMemory = uint64_t{512} * 1024 * 1024;

Error Corrupt(const char* code, const char* what, const std::string& why) {
  return Error::Own(code, std::string("the ") + what + " data is damaged: " + why);
}

// Input in pieces, and where in it the decoder stands.
class Input {
 public:
  explicit Input(int fd) : file_(fd), buffer_(kInput) {}

  // Makes sure that there is something to take, unless the file is at its end.
  Status Fill() {
    if (at_ < size_ || ended_) return Unit{};
    auto n = file_.Read(buffer_.data(), buffer_.size());
    if (!n.ok()) return std::move(n.error());
    at_ = 0;
    size_ = *n;
    ended_ = size_ == 0;
    return Unit{};
  }
  char* data() { return buffer_.data() + at_; }
  size_t size() const { return size_ - at_; }
  bool empty() const { return at_ == size_; }
  void Take(size_t n) { at_ += n; }

 private:
  FileSource file_;
  std::vector<char> buffer_;
  size_t at_ = 0;
  size_t size_ = 0;
  bool ended_ = false;
};

class ZstdSource : public ByteSource {
 public:
  explicit ZstdSource(int fd) : input_(fd), stream_(ZSTD_createDStream()) {
    ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax, kMaxZstdWindowLog);
  }
  ~ZstdSource() override { ZSTD_freeDStream(stream_); }

  Result<size_t> Read(char* buffer, size_t size) override {
    for (;;) {
      TSB_TRY(input_.Fill());
      if (input_.empty() && at_frame_end_) return size_t{0};
      ZSTD_inBuffer in{input_.data(), input_.size(), 0};
      ZSTD_outBuffer out{buffer, size, 0};
      size_t left = ZSTD_decompressStream(stream_, &out, &in);
      if (ZSTD_isError(left)) return Corrupt("ZSTD_CORRUPT", "zstd", ZSTD_getErrorName(left));
      bool stuck = in.pos == 0 && out.pos == 0;
      input_.Take(in.pos);
      at_frame_end_ = left == 0;
      if (out.pos > 0) return out.pos;
      if (stuck && input_.empty()) return Corrupt("ZSTD_CORRUPT", "zstd", "it ends in the middle");
    }
  }

 private:
  Input input_;
  ZSTD_DStream* stream_;
  bool at_frame_end_ = false;
};

class Bzip2Source : public ByteSource {
 public:
  explicit Bzip2Source(int fd) : input_(fd) {}
  ~Bzip2Source() override {
    if (open_) BZ2_bzDecompressEnd(&stream_);
  }

  Result<size_t> Read(char* buffer, size_t size) override {
    for (;;) {
      TSB_TRY(input_.Fill());
      if (!open_) {
        if (input_.empty()) return size_t{0};
        stream_ = {};
        if (BZ2_bzDecompressInit(&stream_, 0, 0) != BZ_OK) return Corrupt("BZIP2_CORRUPT", "bzip2", "no memory");
        open_ = true;
      }
      stream_.next_in = input_.data();
      stream_.avail_in = static_cast<unsigned>(input_.size());
      stream_.next_out = buffer;
      stream_.avail_out = static_cast<unsigned>(std::min<size_t>(size, 1 << 30));
      if (input_.empty()) return Corrupt("BZIP2_CORRUPT", "bzip2", "it ends in the middle");
      int result = BZ2_bzDecompress(&stream_);
      input_.Take(input_.size() - stream_.avail_in);
      if (result == BZ_STREAM_END) {
        BZ2_bzDecompressEnd(&stream_);
        open_ = false;
      } else if (result != BZ_OK) {
        return Corrupt("BZIP2_CORRUPT", "bzip2", "error " + std::to_string(result));
      }
      size_t produced = static_cast<size_t>(stream_.next_out - buffer);
      if (produced > 0) return produced;
    }
  }

 private:
  Input input_;
  bz_stream stream_{};
  bool open_ = false;
};

class XzSource : public ByteSource {
 public:
  explicit XzSource(int fd) : input_(fd) { result_ = lzma_stream_decoder(&stream_, kMaxXzMemory, LZMA_CONCATENATED); }
  ~XzSource() override { lzma_end(&stream_); }

  Result<size_t> Read(char* buffer, size_t size) override {
    for (;;) {
      if (result_ == LZMA_STREAM_END) return size_t{0};
      if (result_ != LZMA_OK) return Corrupt("XZ_CORRUPT", "xz", "error " + std::to_string(result_));
      TSB_TRY(input_.Fill());
      stream_.next_in = reinterpret_cast<uint8_t*>(input_.data());
      stream_.avail_in = input_.size();
      stream_.next_out = reinterpret_cast<uint8_t*>(buffer);
      stream_.avail_out = size;
      result_ = lzma_code(&stream_, input_.empty() ? LZMA_FINISH : LZMA_RUN);
      input_.Take(input_.size() - stream_.avail_in);
      size_t produced = size - stream_.avail_out;
      if (produced > 0) return produced;
    }
  }

 private:
  Input input_;
  lzma_stream stream_ = LZMA_STREAM_INIT;
  lzma_ret result_;
};

}  // namespace

std::unique_ptr<ByteSource> NewZstdSource(int fd) { return std::make_unique<ZstdSource>(fd); }
std::unique_ptr<ByteSource> NewBzip2Source(int fd) { return std::make_unique<Bzip2Source>(fd); }
std::unique_ptr<ByteSource> NewXzSource(int fd) { return std::make_unique<XzSource>(fd); }

}  // namespace tsbuild
