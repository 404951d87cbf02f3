#include "fs/tree_list.h"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace tsbuild {

namespace {

constexpr std::string_view kMagic = "tsblist1";
constexpr uint32_t kMaxEntries = 200'000;
constexpr size_t kMaxBytes = 32 * 1024 * 1024;

std::string PathOf(const std::string& directory, const std::string& digest) {
  return directory + "/" + digest.substr(digest.find(':') + 1);
}

char TypeOf(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG: return 'f';
    case S_IFDIR: return 'd';
    case S_IFLNK: return 'l';
    case S_IFIFO: return 'p';
    case S_IFSOCK: return 's';
    case S_IFCHR: return 'c';
    default: return 'b';
  }
}

}  // namespace

bool TreeList::Exists(const std::string& directory, const std::string& digest) {
  // Times that are now: what is used stays longest.
  return utimensat(AT_FDCWD, PathOf(directory, digest).c_str(), nullptr, AT_SYMLINK_NOFOLLOW) == 0;
}

TreeList::TreeList(bool owners) : owners_(owners), bytes_(kMagic) { bytes_.push_back(owners ? 1 : 0); }

bool TreeList::full() const { return entries_ >= kMaxEntries || bytes_.size() >= kMaxBytes; }

void TreeList::PutNumber(uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes_.push_back(static_cast<char>(value | 0x80));
  bytes_.push_back(static_cast<char>(value));
}

void TreeList::PutText(std::string_view text) {
  PutNumber(text.size());
  bytes_.append(text);
}

void TreeList::BeginSelection() {
  bytes_.push_back('S');
  previous_.clear();
}

void TreeList::Add(std::string_view path, const Entry& entry) {
  if (full()) {
    truncated_ = true;
    return;
  }
  entries_++;
  char type = TypeOf(entry.mode);
  bytes_.push_back(type);
  size_t limit = std::min(path.size(), previous_.size());
  size_t shared = static_cast<size_t>(std::mismatch(path.begin(), path.begin() + limit, previous_.begin()).first - path.begin());
  PutNumber(shared);
  PutText(path.substr(shared));
  previous_.assign(path);
  PutNumber(entry.mode & 07777);
  if (owners_) {
    PutNumber(entry.uid);
    PutNumber(entry.gid);
  }
  if (type == 'f') {
    PutNumber(entry.size);
    bytes_.append(reinterpret_cast<const char*>(entry.content.data()), entry.content.size());
  } else if (type == 'l') {
    PutText(entry.link);
  } else if (type == 'c' || type == 'b') {
    PutNumber(major(entry.device));
    PutNumber(minor(entry.device));
  }
  PutNumber(entry.xattrs.size());
  if (entry.xattrs.empty()) return;
  Sha256 hash;
  for (const Xattr& xattr : entry.xattrs) {
    uint64_t sizes[2] = {xattr.name.size(), xattr.value.size()};
    hash.Update(sizes, sizeof(sizes));
    hash.Update(xattr.name.data(), xattr.name.size());
    hash.Update(xattr.value.data(), xattr.value.size());
  }
  Sha256Bytes digest = hash.Finish();
  bytes_.append(reinterpret_cast<const char*>(digest.data()), digest.size());
}

void TreeList::Save(const std::string& directory, const std::string& digest) {
  bytes_.push_back(truncated_ ? 'T' : 'E');
  std::string path = PathOf(directory, digest);
  std::string temporary = path + "." + std::to_string(getpid()) + "-" + std::to_string(gettid());
  FILE* file = fopen(temporary.c_str(), "we");
  if (file == nullptr) return;
  bool written = fwrite(bytes_.data(), 1, bytes_.size(), file) == bytes_.size();
  written = fclose(file) == 0 && written;
  if (!written || rename(temporary.c_str(), path.c_str()) < 0) unlink(temporary.c_str());
}

}  // namespace tsbuild
