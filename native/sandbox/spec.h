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

  RootMount root;
  bool volatile_root = false;
  std::vector<Mount> mounts;
  std::vector<File> files;
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
