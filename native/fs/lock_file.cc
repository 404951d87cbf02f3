#include "fs/lock_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

namespace tsbuild {

// Closing alone lets go of it only when nobody else has the descriptor, and a child that another thread is just starting has it until it
// executes its program.
void HeldLock::Release() {
  if (fd_) flock(fd_.get(), LOCK_UN);
  fd_.reset();
}

Result<LockFileResult> LockFile(const LockFileRequest& request) {
  for (;;) {
    UniqueFd fd(open(request.path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) return Error::FromErrno("open", request.path);
    int operation = (request.exclusive ? LOCK_EX : LOCK_SH) | (request.wait ? 0 : LOCK_NB);
    int locked;
    do {
      locked = flock(fd.get(), operation);
    } while (locked < 0 && errno == EINTR);
    if (locked < 0) {
      if (errno == EWOULDBLOCK) return LockFileResult{};
      return Error::FromErrno("flock", request.path);
    }
    struct stat ours;
    struct stat there;
    if (fstat(fd.get(), &ours) < 0) return Error::FromErrno("fstat", request.path);
    bool same = stat(request.path.c_str(), &there) == 0 && ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
    if (same) return LockFileResult{std::make_shared<HeldLock>(std::move(fd))};
  }
}

}  // namespace tsbuild
