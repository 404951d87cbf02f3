#include "fs/owner.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <optional>
#include <string_view>
#include <vector>

#include "fs/directory.h"

namespace tsbuild {

namespace {

// passwd and group files of images are small; what is past this is not read.
constexpr size_t kMaxFileSize = 8 * 1024 * 1024;

std::optional<uint32_t> ParseId(std::string_view text) {
  uint32_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value > 0x7fffffff) return std::nullopt;
  return value;
}

// The file's text; empty where there is none.
Result<std::string> ReadDatabase(int root, const std::string& path) {
  auto resolved = ResolveInRoot(root, path, true);
  if (!resolved.ok()) {
    if (resolved.error().error_number == ENOTDIR) return std::string();
    return std::move(resolved.error());
  }
  if (!resolved->exists || !S_ISREG(resolved->status.st_mode)) return std::string();
  auto fd = OpenBeneath(root, resolved->path, O_RDONLY | O_NONBLOCK);
  if (!fd.ok()) return std::move(fd.error());
  std::string text;
  char buffer[16 * 1024];
  for (;;) {
    ssize_t size = read(fd->get(), buffer, sizeof(buffer));
    if (size < 0) return Error::FromErrno("read", path);
    if (size == 0 || text.size() > kMaxFileSize) return text;
    text.append(buffer, static_cast<size_t>(size));
  }
}

// The fields of the first line whose first field is `name`.
std::vector<std::string_view> FindLine(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    std::vector<std::string_view> fields;
    for (;;) {
      size_t colon = line.find(':');
      fields.push_back(line.substr(0, colon));
      if (colon == std::string_view::npos) break;
      line.remove_prefix(colon + 1);
    }
    if (fields.size() >= 3 && fields[0] == name) return fields;
  }
  return {};
}

}  // namespace

Result<Ownership> ResolveOwner(int root, const std::string& owner) {
  std::string_view text = owner;
  size_t colon = text.find(':');
  std::string_view user = text.substr(0, colon);
  std::string_view group = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  Ownership out;
  if (auto id = ParseId(user)) {
    out.uid = *id;
    out.gid = *id;
  } else if (!user.empty()) {
    auto passwd = ReadDatabase(root, "/etc/passwd");
    if (!passwd.ok()) return std::move(passwd.error());
    std::vector<std::string_view> fields = FindLine(*passwd, user);
    auto uid = fields.size() > 3 ? ParseId(fields[2]) : std::nullopt;
    auto gid = fields.size() > 3 ? ParseId(fields[3]) : std::nullopt;
    if (!uid || !gid) {
      return Error::Own("USER_NOT_FOUND", "no user " + std::string(user) + " in the image's /etc/passwd");
    }
    out.uid = *uid;
    out.gid = *gid;
  }
  if (!group.empty()) {
    if (auto id = ParseId(group)) {
      out.gid = *id;
    } else {
      auto groups = ReadDatabase(root, "/etc/group");
      if (!groups.ok()) return std::move(groups.error());
      std::vector<std::string_view> fields = FindLine(*groups, group);
      auto gid = fields.empty() ? std::nullopt : ParseId(fields[2]);
      if (!gid) {
        return Error::Own("GROUP_NOT_FOUND", "no group " + std::string(group) + " in the image's /etc/group");
      }
      out.gid = *gid;
    }
  }
  return out;
}

}  // namespace tsbuild
