#include "cgroup/oom.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <string>

#include "base/unique_fd.h"
#include "cgroup/hierarchy.h"

namespace tsbuild {

namespace {

std::string ReadSmallFile(const std::string& path) {
  UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string content;
  char buffer[4096];
  ssize_t length;
  while (file && content.size() < (1 << 20) && (length = read(file.get(), buffer, sizeof buffer)) > 0) {
    content.append(buffer, static_cast<size_t>(length));
  }
  return content;
}

// The number behind "oom_kill " at the start of a line.
std::optional<uint64_t> FindCount(const std::string& content) {
  static const std::string kKey = "oom_kill ";
  for (size_t at = content.find(kKey); at != std::string::npos; at = content.find(kKey, at + 1)) {
    if (at == 0 || content[at - 1] == '\n') return strtoull(content.c_str() + at + kKey.size(), nullptr, 10);
  }
  return std::nullopt;
}

// The path behind ":<controller>:" in /proc/self/cgroup.
std::string OwnGroup(const std::string& controller) {
  std::string groups = ReadSmallFile("/proc/self/cgroup");
  std::string key = ":" + controller + ":";
  size_t at = groups.find(key);
  if (at == std::string::npos) return {};
  at += key.size();
  return groups.substr(at, groups.find('\n', at) - at);
}

}  // namespace

uint64_t CountOomKills() {
  std::optional<uint64_t> count;
  switch (DetectCgroupHierarchy()) {
    case CgroupHierarchy::kV2:
      count = FindCount(ReadSmallFile("/sys/fs/cgroup" + OwnGroup("") + "/memory.events"));
      break;
    case CgroupHierarchy::kV1:
    case CgroupHierarchy::kHybrid:
      count = FindCount(ReadSmallFile("/sys/fs/cgroup/memory" + OwnGroup("memory") + "/memory.oom_control"));
      break;
    case CgroupHierarchy::kNone:
      break;
  }
  return count.has_value() ? *count : FindCount(ReadSmallFile("/proc/vmstat")).value_or(0);
}

}  // namespace tsbuild
