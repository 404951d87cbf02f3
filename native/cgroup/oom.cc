#include "cgroup/oom.h"

#include <cstdlib>
#include <optional>
#include <string>

#include "cgroup/hierarchy.h"

namespace tsbuild {

namespace {

// The number behind "oom_kill " at the start of a line.
std::optional<uint64_t> FindCount(const std::string& content) {
  static const std::string kKey = "oom_kill ";
  for (size_t at = content.find(kKey); at != std::string::npos; at = content.find(kKey, at + 1)) {
    if (at == 0 || content[at - 1] == '\n') return strtoull(content.c_str() + at + kKey.size(), nullptr, 10);
  }
  return std::nullopt;
}

}  // namespace

uint64_t CountOomKills() {
  std::optional<uint64_t> count;
  switch (DetectCgroupHierarchy()) {
    case CgroupHierarchy::kV2:
      count = FindCount(ReadSmallFile("/sys/fs/cgroup" + OwnCgroup("") + "/memory.events"));
      break;
    case CgroupHierarchy::kV1:
    case CgroupHierarchy::kHybrid:
      count = FindCount(ReadSmallFile("/sys/fs/cgroup/memory" + OwnCgroup("memory") + "/memory.oom_control"));
      break;
    case CgroupHierarchy::kNone:
      break;
  }
  return count.has_value() ? *count : FindCount(ReadSmallFile("/proc/vmstat")).value_or(0);
}

}  // namespace tsbuild
