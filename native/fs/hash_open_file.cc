#include "fs/hash_open_file.h"

#include <unistd.h>

#include <cerrno>
#include <memory>

namespace tsbuild {

namespace {

constexpr size_t kBufferSize = 256 * 1024;

}  // namespace

Result<uint64_t> HashOpenFile(int fd, off_t size, const std::string& path, const SharedWatch& watch, Sha256* hash) {
  thread_local std::unique_ptr<char[]> buffer(new char[kBufferSize]);
  uint64_t total = 0;
  for (;;) {
    ssize_t count = read(fd, buffer.get(), kBufferSize);
    if (count < 0) {
      if (errno == EINTR) continue;
      Error failed = Error::FromErrno("read", path);
      hash->Finish();
      return failed;
    }
    hash->Update(buffer.get(), static_cast<size_t>(count));
    total += static_cast<uint64_t>(count);
    CountBytes(watch, static_cast<uint64_t>(count));
    if (Status going = CheckCancelled(watch); !going.ok()) {
      hash->Finish();
      return std::move(going.error());
    }
    // The size says where it ends, but for a file that grows meanwhile.
    if (count == 0 || (static_cast<size_t>(count) < kBufferSize && total == static_cast<uint64_t>(size))) return total;
  }
}

}  // namespace tsbuild
