#include "layer/pack_layer.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "fs/mounted_root.h"
#include "layer/diff_walk.h"
#include "layer/pack_into.h"
#include "layer/tree_packer.h"

namespace tsbuild {

namespace {

Result<PackLayerResult> Pack(const PackLayerRequest& request, int output) {
  std::vector<UniqueFd> opened_uppers;
  std::vector<int> uppers;
  std::vector<std::string> paths{request.upper};
  paths.insert(paths.end(), request.more_uppers.begin(), request.more_uppers.end());
  for (const std::string& path : paths) {
    auto upper = OpenRoot({.lowers = {}, .upper = path, .work = {}});
    if (!upper.ok()) return std::move(upper.error());
    uppers.push_back(upper->get());
    opened_uppers.push_back(std::move(*upper));
  }
  UniqueFd base;
  if (!request.lowers.empty()) {
    auto opened = OpenRoot({.lowers = request.lowers, .upper = {}, .work = {}});
    if (!opened.ok()) return std::move(opened.error());
    base = std::move(*opened);
  }
  auto changes = WalkChanges(uppers, base.get());
  if (!changes.ok()) return std::move(changes.error());
  BlobWriter blob(output, request.compression, request.level);
  TarWriter tar(blob);
  TreePacker packer(std::move(uppers), tar, request.source_date_epoch);
  TSB_TRY(packer.Pack(*changes));
  auto digests = blob.Finish();
  if (!digests.ok()) return std::move(digests.error());
  return PackLayerResult{std::move(*digests), packer.content_size(), packer.entries()};
}

// Writes to a pipe, a socket or a file that somebody else opened, perhaps without blocking.
class FdSink : public ByteSink {
 public:
  explicit FdSink(int fd) : fd_(fd) { buffer_.reserve(kBuffer); }

  Status Write(const char* data, size_t size) override {
    if (buffer_.size() + size > kBuffer) TSB_TRY(Flush());
    if (size >= kBuffer) return WriteOut(data, size);
    buffer_.insert(buffer_.end(), data, data + size);
    return Unit{};
  }

  Status Flush() {
    Status written = WriteOut(buffer_.data(), buffer_.size());
    buffer_.clear();
    return written;
  }

 private:
  static constexpr size_t kBuffer = 1024 * 1024;

  Status WriteOut(const char* data, size_t size) {
    while (size > 0) {
      ssize_t n = write(fd_, data, size);
      if (n >= 0) {
        data += n;
        size -= static_cast<size_t>(n);
      } else if (errno == EAGAIN) {
        pollfd wait{fd_, POLLOUT, 0};
        poll(&wait, 1, -1);
      } else if (errno != EINTR) {
        return Error::FromErrno("write");
      }
    }
    return Unit{};
  }

  const int fd_;
  std::vector<char> buffer_;
};

}  // namespace

Result<PackLayerResult> PackLayer(const PackLayerRequest& request) {
  return PackInto(request.output, 0644, [&](int output) { return Pack(request, output); });
}

Result<PackTreeResult> PackTree(const PackTreeRequest& request) {
  auto root = OpenRoot(request.root);
  if (!root.ok()) return std::move(root.error());
  auto entries = WalkTree(root->get());
  if (!entries.ok()) return std::move(entries.error());
  FdSink sink(request.output_fd);
  TarWriter tar(sink);
  TreePacker packer({root->get()}, tar, std::nullopt);
  TSB_TRY(packer.Pack(*entries));
  TSB_TRY(sink.Flush());
  return PackTreeResult{tar.written(), packer.entries()};
}

}  // namespace tsbuild
