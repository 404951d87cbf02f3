#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "mount/root_mount.h"

namespace tsbuild {

// One container, as the addon describes it to tsbuild-init. Mirrors SandboxRequest of src/native/sandbox-types.ts.
struct SandboxSpec {
  enum class MountKind : uint32_t { kTmpfs, kTree, kSecret };
  struct Mount {
    std::string target;
    MountKind kind = MountKind::kTmpfs;
    RootMount tree;            // of a tree
    std::string selector;      // of a tree: a path inside it; empty is all of it
    bool read_only = false;    // of a tree or a tmpfs
    uint32_t attributes = 0;   // of a tree: further MOUNT_ATTR_* flags
    uint64_t size_bytes = 0;   // of a tmpfs; 0: the kernel's default
    uint32_t mode = 01777;     // of a tmpfs or a secret
    std::string content;       // of a secret: the file's
    uint32_t uid = 0;          // of a secret
    uint32_t gid = 0;
  };
  struct File {
    std::string target;
    std::string content;
  };

  // A device node or pipe of the host's that the container gets.
  struct Device {
    std::string target;
    std::string host_path;    // where it cannot be made, this one is mounted
    uint32_t type = 0;        // S_IFCHR, S_IFBLK or S_IFIFO
    uint32_t major = 0;
    uint32_t minor = 0;
    uint32_t mode = 0;
    uint32_t uid = kStepOwner;
    uint32_t gid = kStepOwner;
    bool readable = false;
    bool writable = false;
  };
  // In place of an id: that of the process.
  static constexpr uint32_t kStepOwner = UINT32_MAX;

  RootMount root;
  bool volatile_root = false;
  std::vector<Mount> mounts;
  std::vector<File> files;
  std::vector<Device> devices;
  std::vector<uint32_t> groups;  // supplementary ones, beside those of the user
  std::vector<std::string> args;
  std::vector<std::string> env;
  std::string cwd;
  std::string user;
  std::string hostname;
  bool private_network = false;
  bool insecure = false;
  bool confidential = false;  // no core dump of anything in it
};

// No secret is larger: BuildKit's bound, which src/secrets keeps to.
inline constexpr size_t kMaxSecretBytes = 500 << 10;
inline constexpr size_t kMaxMounts = 4096;
inline constexpr size_t kMaxDevices = 1024;

// Overwrites what may be secret in it, when it is not needed any more.
void WipeSecrets(SandboxSpec& spec);

// How it went; what tsbuild-init tells the addon at the end.
struct Outcome {
  bool failed = false;
  Error error;     // when failed
  int code = 0;    // otherwise
  int signal = 0;
};

// A format of our own between two programs of one build: numbers little-endian, strings with their length before them.
// Decoding checks every bound, since a truncated message must not become a container.
std::string Encode(const SandboxSpec& spec);
std::string Encode(const Outcome& outcome);
Result<SandboxSpec> DecodeSpec(const std::string& bytes);
Result<Outcome> DecodeOutcome(const std::string& bytes);

// The descriptors that tsbuild-init finds open, beside the three standard ones.
inline constexpr int kSpecFd = 3;     // the encoded spec, to be read from offset 0
inline constexpr int kOutcomeFd = 4;  // takes the encoded outcome
inline constexpr int kLifeFd = 5;     // hangs up when the container is to end: nobody writes to it

}  // namespace tsbuild
