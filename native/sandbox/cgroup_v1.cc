#include "sandbox/cgroup_v1.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "cgroup/hierarchy.h"
#include "mount/mount_api.h"

namespace tsbuild {

namespace {

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  for (size_t start = 0; start <= text.size();) {
    size_t end = std::min(text.find(separator, start), text.size());
    parts.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

// The v1 hierarchies of the machine, named as one mounts them: "memory", "cpu,cpuacct", "name=systemd".
std::vector<std::string> ListHierarchies() {
  std::vector<std::string> hierarchies;
  // A line is such as "4:memory:/group". That of v2 has no name: "0::/group".
  for (const std::string& line : Split(ReadSmallFile("/proc/self/cgroup"), '\n')) {
    std::vector<std::string> fields = Split(line, ':');
    if (fields.size() >= 3 && !fields[1].empty()) hierarchies.push_back(std::move(fields[1]));
  }
  return hierarchies;
}

// In the working directory. By the old call: it is the cheapest, and there may be a dozen for each build step.
bool MountHere(const std::string& name, const char* type, unsigned long flags, const char* options) {
  if (mkdir(name.c_str(), 0755) < 0) return false;
  if (mount(type, name.c_str(), type, flags, options) == 0) return true;
  (void)rmdir(name.c_str());
  return false;
}

// Where controllers share a hierarchy, each is found by its own name too: cpu -> cpu,cpuacct.
void LinkControllers(const std::string& name) {
  if (name.find(',') == std::string::npos) return;
  for (const std::string& controller : Split(name, ',')) (void)symlink(name.c_str(), controller.c_str());
}

}  // namespace

void MountCgroupV1(const UniqueFd& point, bool unified, bool writable) {
  static const std::string kNamed = "name=";
  auto top = NewMount("tmpfs", {"size=64k", "mode=755"}, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
  if (!top.ok() || !AttachAt(*top, point.get(), "/sys/fs/cgroup").ok()) return;
  if (fchdir(top->get()) < 0) return;
  unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC | (writable ? 0 : MS_RDONLY);
  bool any = false;
  for (const std::string& hierarchy : ListHierarchies()) {
    std::string name = hierarchy.starts_with(kNamed) ? hierarchy.substr(kNamed.size()) : hierarchy;
    if (!MountHere(name, "cgroup", flags, hierarchy.c_str())) continue;
    LinkControllers(name);
    any = true;
  }
  if (unified && MountHere("unified", "cgroup2", flags, nullptr)) any = true;
  // An empty directory of the kernel's says more clearly that there is nothing.
  if (!any) {
    (void)umount2(".", MNT_DETACH);
  } else if (!writable) {
    (void)SetMountFlags(*top, MOUNT_ATTR_RDONLY, false);
  }
}

}  // namespace tsbuild
