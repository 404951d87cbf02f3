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
constexpr size_t kMaxNames = 1000;

std::optional<uint32_t> ParseId(std::string_view text) {
  uint32_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value > 0x7fffffff) return std::nullopt;
  return value;
}

// The file's text; absent where there is none.
Result<std::optional<std::string>> ReadDatabase(int root, const std::string& path) {
  auto resolved = ResolveInRoot(root, path, true);
  if (!resolved.ok()) {
    if (resolved.error().error_number == ENOTDIR) return std::optional<std::string>();
    return std::move(resolved.error());
  }
  if (!resolved->exists || !S_ISREG(resolved->status.st_mode)) return std::optional<std::string>();
  auto fd = OpenBeneath(root, resolved->path, O_RDONLY | O_NONBLOCK);
  if (!fd.ok()) return std::move(fd.error());
  std::string text;
  char buffer[16 * 1024];
  for (;;) {
    ssize_t size = read(fd->get(), buffer, sizeof(buffer));
    if (size < 0) return Error::FromErrno("read", path);
    if (size == 0 || text.size() > kMaxFileSize) return std::optional<std::string>(std::move(text));
    text.append(buffer, static_cast<size_t>(size));
  }
}

struct Lookup {
  std::vector<std::string_view> fields;  // of the first line whose first field is the name; empty where there is none
  std::vector<std::string> others;
};

Lookup FindLine(std::string_view text, std::string_view name) {
  Lookup out;
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
    if (fields[0] == name) {
      out.fields = std::move(fields);
      return out;
    }
    if (!fields[0].empty() && out.others.size() < kMaxNames) out.others.emplace_back(fields[0]);
  }
  return out;
}

// What is no number counts as 0.
uint32_t IdAt(const std::vector<std::string_view>& fields, size_t index) {
  return index < fields.size() ? ParseId(fields[index]).value_or(0) : 0;
}

}  // namespace

Result<ResolvedOwner> ResolveOwner(int root, const std::string& owner) {
  std::string_view text = owner;
  size_t colon = text.find(':');
  std::string_view user = text.substr(0, colon);
  std::string_view group = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  ResolvedOwner out;
  if (auto id = ParseId(user)) {
    out.ownership = {*id, *id};
  } else if (!user.empty()) {
    auto passwd = ReadDatabase(root, "/etc/passwd");
    if (!passwd.ok()) return std::move(passwd.error());
    Lookup found = FindLine(passwd->has_value() ? **passwd : std::string_view(), user);
    if (found.fields.empty()) out.unknown.push_back({false, std::string(user), passwd->has_value(), std::move(found.others)});
    out.ownership = {IdAt(found.fields, 2), IdAt(found.fields, 3)};
  }
  if (auto id = ParseId(group)) {
    out.ownership.gid = *id;
  } else if (!group.empty()) {
    auto groups = ReadDatabase(root, "/etc/group");
    if (!groups.ok()) return std::move(groups.error());
    Lookup found = FindLine(groups->has_value() ? **groups : std::string_view(), group);
    if (found.fields.empty()) {
      out.unknown.push_back({true, std::string(group), groups->has_value(), std::move(found.others)});
    } else {
      out.ownership.gid = IdAt(found.fields, 2);
    }
  }
  return out;
}

}  // namespace tsbuild
