#include "sandbox/identity.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>

#include "sandbox/in_root.h"

namespace tsbuild {

namespace {

constexpr uint64_t kMaxId = (1ULL << 31) - 1;

// Only digits, and in range of a signed 32-bit number, as docker reads ids.
std::optional<uint64_t> ParseId(std::string_view text) {
  if (text.empty() || text.size() > 19) return std::nullopt;
  uint64_t value = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<uint64_t>(c - '0');
  }
  return value;
}

uint32_t IdOrZero(std::string_view text) {
  uint64_t value = ParseId(text).value_or(0);
  return value <= kMaxId ? static_cast<uint32_t>(value) : 0;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    size_t at = text.find(separator);
    parts.push_back(Trim(text.substr(0, at)));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

// Calls `visit` with the fields of each line until it returns false; missing fields read as empty.
template <typename Visit>
void EachEntry(std::string_view content, size_t fields, Visit visit) {
  while (!content.empty()) {
    size_t end = content.find('\n');
    std::string_view line = Trim(content.substr(0, end));
    content.remove_prefix(end == std::string_view::npos ? content.size() : end + 1);
    if (line.empty()) continue;
    auto entry = Split(line, ':');
    if (entry.size() < fields) entry.resize(fields);
    if (!visit(entry)) return;
  }
}

Error Unknown(const char* what, std::string_view name, const char* file) {
  return Error::Own("SANDBOX_UNKNOWN_USER", std::string("no ") + what + " named \"" + std::string(name) + "\" in " + file +
                                                " of the image");
}

}  // namespace

Result<Identity> ResolveIdentity(int root, const std::string& user) {
  std::string_view user_part = user, group_part;
  if (size_t colon = user.find(':'); colon != std::string::npos) {
    user_part = std::string_view(user).substr(0, colon);
    group_part = std::string_view(user).substr(colon + 1);
  }
  if (user_part.empty()) user_part = "0";

  Identity identity;
  std::string passwd = ReadInRoot(root, "/etc/passwd");
  std::optional<uint64_t> user_id = ParseId(user_part);
  if (user_id && *user_id > kMaxId) return Error::Own("SANDBOX_UNKNOWN_USER", "user ids end at 2147483647", user);
  std::string matched_name;
  bool matched = false;
  EachEntry(passwd, 7, [&](const std::vector<std::string_view>& entry) {
    if (user_id ? IdOrZero(entry[2]) != *user_id : entry[0] != user_part) return true;
    matched = true;
    matched_name = entry[0];
    identity.uid = IdOrZero(entry[2]);
    identity.gid = IdOrZero(entry[3]);
    return false;
  });
  if (!matched) {
    // "root" needs no passwd file: it is 0 in an image from scratch too.
    if (!user_id && user_part == "root") user_id = 0;
    if (!user_id) return Unknown("user", user_part, "/etc/passwd");
    identity.uid = static_cast<uid_t>(*user_id);
  }

  std::vector<gid_t> supplementary;
  if (!group_part.empty() || !matched_name.empty()) {
    std::string group = ReadInRoot(root, "/etc/group");
    std::optional<uint64_t> group_id = ParseId(group_part);
    if (group_id && *group_id > kMaxId) return Error::Own("SANDBOX_UNKNOWN_USER", "group ids end at 2147483647", user);
    bool found = group_part.empty();
    EachEntry(group, 4, [&](const std::vector<std::string_view>& entry) {
      if (group_part.empty()) {
        auto members = Split(entry[3], ',');
        if (std::find(members.begin(), members.end(), matched_name) != members.end()) {
          supplementary.push_back(IdOrZero(entry[2]));
        }
        return true;
      }
      if (group_id ? IdOrZero(entry[2]) != *group_id : entry[0] != group_part) return true;
      found = true;
      identity.gid = IdOrZero(entry[2]);
      return false;
    });
    if (!found) {
      if (!group_id && group_part == "root") group_id = 0;
      if (!group_id) return Unknown("group", group_part, "/etc/group");
      identity.gid = static_cast<gid_t>(*group_id);
    }
  }
  identity.groups.push_back(identity.gid);
  for (gid_t gid : supplementary) {
    if (std::find(identity.groups.begin(), identity.groups.end(), gid) == identity.groups.end()) {
      identity.groups.push_back(gid);
    }
  }
  // HOME goes by the id that came out, not by the name that went in.
  EachEntry(passwd, 7, [&](const std::vector<std::string_view>& entry) {
    if (IdOrZero(entry[2]) != identity.uid) return true;
    if (!entry[5].empty()) identity.home = entry[5];
    return false;
  });
  return identity;
}

}  // namespace tsbuild
