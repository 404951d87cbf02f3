#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandbox/spec.h"

namespace tsbuild {

// Which devices a container may open. A build step may *make* any device node (images and package scripts do), and an image
// may bring some: without a guard, opening one of them is the host's disk. As with runc the kernel asks a small program, which
// belongs to a control group made for this container; process 1 is born in it.
class DeviceGuard {
 public:
  // An empty guard where there is no cgroup v2 tree that we may write to, or no BPF: the caller then makes all mounts `nodev`.
  // Beside the usual devices `granted` may be opened, in the ways that each of them says.
  static DeviceGuard Create(const std::vector<SandboxSpec::Device>& granted);

  DeviceGuard() = default;
  DeviceGuard(DeviceGuard&& other) noexcept;
  DeviceGuard& operator=(DeviceGuard&&) = delete;
  DeviceGuard(const DeviceGuard&) = delete;
  DeviceGuard& operator=(const DeviceGuard&) = delete;
  // Removes the group, which by then must have no processes.
  ~DeviceGuard();

  explicit operator bool() const { return static_cast<bool>(group_); }

  // As fork(2), but that the child starts in the group.
  Result<pid_t> Fork() const;

 private:
  UniqueFd parent_;
  std::string name_;
  UniqueFd group_;
};

}  // namespace tsbuild
