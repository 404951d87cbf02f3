#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "fs/xattr.h"

namespace tsbuild {

constexpr size_t kTarBlock = 512;

// One member of an archive, whatever format wrote it: ustar, PAX, GNU or old V7.
struct TarEntry {
  enum class Type { kFile, kHardlink, kSymlink, kCharacterDevice, kBlockDevice, kDirectory, kFifo };

  struct Extent {
    uint64_t offset;
    uint64_t size;
  };

  Type type = Type::kFile;
  std::string name;
  std::string link;  // target of a hardlink or symlink
  mode_t mode = 0;   // 07777
  uint64_t uid = 0;
  uint64_t gid = 0;
  uint64_t size = 0;  // bytes of content that follow in the archive
  timespec mtime{};
  uint32_t device_major = 0;
  uint32_t device_minor = 0;
  std::vector<Xattr> xattrs;
  // A sparse file: where the content's bytes belong in a file of `real_size`, all else being holes.
  bool sparse = false;
  uint64_t real_size = 0;
  std::vector<Extent> extents;
};

}  // namespace tsbuild
