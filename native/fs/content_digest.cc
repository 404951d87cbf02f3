#include "fs/content_digest.h"

#include <sys/sysmacros.h>

#include "fs/directory.h"

namespace tsbuild {

namespace {

void PutText(std::string* out, std::string_view name, std::string_view value) {
  out->append(name);
  out->append(value);
}

void PutNumber(std::string* out, std::string_view name, uint64_t value) { PutText(out, name, std::to_string(value)); }

// The letter of a tar entry.
char KindOf(mode_t mode) {
  if (S_ISLNK(mode)) return '2';
  if (S_ISCHR(mode)) return '3';
  if (S_ISBLK(mode)) return '4';
  if (S_ISDIR(mode)) return '5';
  if (S_ISFIFO(mode)) return '6';
  return '0';
}

}  // namespace

std::string MakeContentHeader(const struct stat& status, Ownership owner, std::string_view link, const std::vector<Xattr>& xattrs) {
  bool device = S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode);
  std::string out;
  PutText(&out, "name", "");
  PutNumber(&out, "mode", status.st_mode & 07777);
  PutNumber(&out, "uid", owner.uid);
  PutNumber(&out, "gid", owner.gid);
  PutNumber(&out, "size", S_ISREG(status.st_mode) ? static_cast<uint64_t>(status.st_size) : 0);
  PutText(&out, "typeflag", std::string(1, KindOf(status.st_mode)));
  PutText(&out, "linkname", link);
  PutText(&out, "uname", "");
  PutText(&out, "gname", "");
  PutNumber(&out, "devmajor", device ? major(status.st_rdev) : 0);
  PutNumber(&out, "devminor", device ? minor(status.st_rdev) : 0);
  for (const Xattr& xattr : xattrs) PutText(&out, xattr.name, xattr.value);
  return out;
}

Sha256Bytes DigestOf(std::string_view text) {
  thread_local Sha256 hash;
  hash.Update(text.data(), text.size());
  return hash.Finish();
}

Sha256Bytes DigestTree(ContentNode& node) {
  if (!S_ISDIR(node.mode)) return node.digest;
  if (node.whole) return *node.whole;
  std::string text(1, '\0');
  text += FormatDigest(node.digest);
  for (ContentNode* entry : node.entries) {
    text.push_back('\0');
    text += entry->name;
    text += FormatDigest(DigestTree(*entry));
  }
  node.whole = DigestOf(text);
  return *node.whole;
}

std::string DigestList(const std::vector<ContentItem>& items, std::string_view base_name) {
  auto digest_of = [](const ContentItem& item) { return item.target == nullptr ? item.node->digest : DigestTree(*item.target); };
  if (items.size() == 1 && BaseName(items[0].path) == base_name) return FormatDigest(digest_of(items[0]));
  std::string text;
  for (const ContentItem& item : items) {
    if (&item != &items[0]) text.push_back('\0');
    text += BaseName(item.path);
    text += FormatDigest(digest_of(item));
  }
  return FormatDigest(DigestOf(text));
}

}  // namespace tsbuild
