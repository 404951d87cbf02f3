#include <sys/stat.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <future>

#include "fs/task_pool.h"
#include "layer/decompress.h"
#include "layer/decompressors.h"
#include "layer/gzip_blocks.h"

namespace tsbuild {

namespace {

constexpr size_t kInput = 256 * 1024;
// A whole file of one member is unpacked at once, three times as fast, where both sides fit in this much memory.
constexpr uint64_t kMaxWholeInput = 32 * 1024 * 1024;
constexpr uint64_t kMaxWholeOutput = 96 * 1024 * 1024;

class GzipSource : public ByteSource {
 public:
  explicit GzipSource(int fd) : file_(fd) {}
  ~GzipSource() override {
    if (streaming_) inflateEnd(&stream_);
  }

  Result<size_t> Read(char* buffer, size_t size) override {
    for (;;) {
      if (block_at_ < block_.size()) {
        size_t n = std::min(size, block_.size() - block_at_);
        memcpy(buffer, block_.data() + block_at_, n);
        block_at_ += n;
        return n;
      }
      if (streaming_) return ReadStream(buffer, size);
      auto more = NextBlock();
      if (!more.ok()) return std::move(more.error());
      if (!*more) return size_t{0};
    }
  }

 private:
  using Unpacked = Result<std::optional<std::vector<char>>>;

  // Takes the next block that is unpacked, keeping all cores at those after it. False at the end.
  Result<bool> NextBlock() {
    block_.clear();
    block_at_ = 0;
    while (!all_read_ && ahead_.size() < 2 * WorkerCount()) {
      auto read = ReadBlock();
      if (!read.ok()) return std::move(read.error());
      if (!*read) all_read_ = true;
    }
    if (ahead_.empty()) return ended_ ? Result<bool>(false) : StartStream();
    Unpacked unpacked = ahead_.front().get();
    ahead_.pop_front();
    if (!unpacked.ok()) return std::move(unpacked.error());
    if (!unpacked->has_value()) return GzipCorrupt("a block is longer than it says");
    block_ = std::move(**unpacked);
    first_ = false;
    return true;
  }

  // Hands the next block to the pool. False when there is none of ours.
  Result<bool> ReadBlock() {
    char header[kGzipBlockHeader];
    auto peeked = file_.Peek(header, sizeof(header));
    if (!peeked.ok()) return std::move(peeked.error());
    if (*peeked == 0 && !first_read_) {
      ended_ = true;
      return false;
    }
    first_read_ = false;
    auto length = GzipBlockLength(header, *peeked);
    if (!length) return false;
    auto input = std::make_shared<std::vector<char>>(*length);
    for (size_t done = 0; done < input->size();) {
      auto n = file_.Read(input->data() + done, input->size() - done);
      if (!n.ok()) return std::move(n.error());
      if (*n == 0) return GzipCorrupt("it ends in the middle of a block");
      done += *n;
    }
    auto task = std::make_shared<std::packaged_task<Unpacked()>>([input]() -> Unpacked {
      thread_local GzipBlockDecompressor decompressor;
      size_t consumed = 0;
      Unpacked out = decompressor.Decompress(input->data(), input->size(), 2 * kGzipBlock, &consumed);
      if (out.ok() && consumed != input->size()) return GzipCorrupt("a block is not as long as it says");
      return out;
    });
    ahead_.push_back(task->get_future());
    pool_.Add([task]() -> Status {
      (*task)();
      return Unit{};
    });
    return true;
  }

  // An ordinary gzip, from here to the end. True when there is something to read.
  Result<bool> StartStream() {
    if (first_) {
      auto whole = ReadWhole();
      if (!whole.ok() || *whole) return whole;
    }
    if (inflateInit2(&stream_, 15 + 16) != Z_OK) return GzipCorrupt("no memory");
    streaming_ = true;
    input_.resize(kInput);
    return true;
  }

  Result<bool> ReadWhole() {
    struct stat status;
    if (fstat(file_.fd(), &status) < 0) return Error::FromErrno("fstat");
    uint64_t size = static_cast<uint64_t>(status.st_size);
    if (size < 18 || size > kMaxWholeInput) return false;
    std::vector<char> input(size);
    for (size_t done = 0; done < input.size();) {
      auto n = file_.Read(input.data() + done, input.size() - done);
      if (!n.ok()) return std::move(n.error());
      if (*n == 0) break;
      done += *n;
    }
    GzipBlockDecompressor decompressor;
    size_t consumed = 0;
    Unpacked out = decompressor.Decompress(input.data(), input.size(), kMaxWholeOutput, &consumed);
    // Too long, of many members, or damaged: the stream finds out which.
    if (!out.ok() || !out->has_value() || consumed != input.size()) {
      file_.Seek(0);
      return false;
    }
    block_ = std::move(**out);
    ended_ = true;
    return true;
  }

  Result<size_t> ReadStream(char* buffer, size_t size) {
    if (size == 0) return size_t{0};
    stream_.next_out = reinterpret_cast<Bytef*>(buffer);
    stream_.avail_out = static_cast<uInt>(std::min<size_t>(size, 1 << 30));
    for (;;) {
      if (stream_.avail_in == 0 && !file_ended_) {
        auto n = file_.Read(input_.data(), input_.size());
        if (!n.ok()) return n;
        file_ended_ = *n == 0;
        stream_.next_in = reinterpret_cast<Bytef*>(input_.data());
        stream_.avail_in = static_cast<uInt>(*n);
      }
      if (between_members_) {
        // Zeros may fill up a file after its last member.
        while (stream_.avail_in > 0 && *stream_.next_in == 0) {
          stream_.next_in++;
          stream_.avail_in--;
        }
        if (stream_.avail_in == 0) {
          if (file_ended_) return size_t{0};
          continue;
        }
        inflateReset(&stream_);
        between_members_ = false;
      }
      if (stream_.avail_in == 0) return GzipCorrupt("it ends in the middle");
      int result = inflate(&stream_, Z_NO_FLUSH);
      size_t produced = reinterpret_cast<char*>(stream_.next_out) - buffer;
      if (result == Z_STREAM_END) between_members_ = true;
      if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
        return GzipCorrupt(stream_.msg == nullptr ? "unreadable" : stream_.msg);
      }
      if (produced > 0) return produced;
    }
  }

  FileSource file_;
  std::vector<char> block_;
  size_t block_at_ = 0;
  std::deque<std::future<Unpacked>> ahead_;
  bool first_ = true;
  bool first_read_ = true;
  bool all_read_ = false;
  bool ended_ = false;

  z_stream stream_{};
  bool streaming_ = false;
  bool between_members_ = false;
  bool file_ended_ = false;
  std::vector<char> input_;

  TaskPool pool_;
};

}  // namespace

std::unique_ptr<ByteSource> NewGzipSource(int fd) { return std::make_unique<GzipSource>(fd); }

}  // namespace tsbuild
