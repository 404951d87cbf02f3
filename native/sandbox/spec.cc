#include "sandbox/spec.h"

#include <cstring>
#include <string_view>

namespace tsbuild {

namespace {

class Writer {
 public:
  void Number(uint64_t value) { Append({reinterpret_cast<const char*>(&value), sizeof value}); }
  void Text(const std::string& value) {
    Number(value.size());
    Append(value);
  }
  void Texts(const std::vector<std::string>& values) {
    Number(values.size());
    for (const std::string& value : values) Text(value);
  }
  void Tree(const RootMount& tree) {
    Texts(tree.lowers);
    Text(tree.upper);
    Text(tree.work);
  }
  std::string Take() { return std::move(bytes_); }

 private:
  // Not left to the string, which would free its smaller buffers with the secrets that are in them.
  void Append(std::string_view bytes) {
    if (bytes_.capacity() - bytes_.size() < bytes.size()) {
      std::string larger;
      larger.reserve(2 * (bytes_.size() + bytes.size()) + kFirstBytes);
      larger += bytes_;
      explicit_bzero(bytes_.data(), bytes_.size());
      bytes_ = std::move(larger);
    }
    bytes_ += bytes;
  }

  static constexpr size_t kFirstBytes = 4096;
  std::string bytes_;
};

// After the first value that does not fit everything reads as zero and `ok` is false.
class Reader {
 public:
  explicit Reader(const std::string& bytes) : bytes_(bytes) {}

  uint64_t Number() {
    uint64_t value = 0;
    if (bytes_.size() - at_ < sizeof value) return Fail();
    memcpy(&value, bytes_.data() + at_, sizeof value);
    at_ += sizeof value;
    return value;
  }
  // Every element takes at least the eight bytes of a number.
  uint64_t Count(uint64_t limit = UINT64_MAX) {
    uint64_t count = Number();
    return count <= (bytes_.size() - at_) / sizeof(uint64_t) && count <= limit ? count : Fail();
  }
  std::string Text(uint64_t limit = UINT64_MAX) {
    uint64_t length = Number();
    if (length > bytes_.size() - at_ || length > limit) {
      Fail();
      return {};
    }
    std::string value = bytes_.substr(at_, length);
    at_ += length;
    return value;
  }
  std::vector<std::string> Texts() {
    std::vector<std::string> values(Count());
    for (std::string& value : values) value = Text();
    return values;
  }
  RootMount Tree() {
    RootMount tree;
    tree.lowers = Texts();
    tree.upper = Text();
    tree.work = Text();
    return tree;
  }
  bool Complete() const { return ok_ && at_ == bytes_.size(); }

 private:
  uint64_t Fail() {
    ok_ = false;
    at_ = bytes_.size();
    return 0;
  }

  const std::string& bytes_;
  size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace

void WipeSecrets(SandboxSpec& spec) {
  for (SandboxSpec::Mount& mount : spec.mounts) explicit_bzero(mount.content.data(), mount.content.size());
  if (!spec.confidential) return;
  for (std::string& entry : spec.env) explicit_bzero(entry.data(), entry.size());
}

std::string Encode(const SandboxSpec& spec) {
  Writer out;
  out.Tree(spec.root);
  out.Number(spec.volatile_root);
  out.Number(spec.mounts.size());
  for (const SandboxSpec::Mount& mount : spec.mounts) {
    out.Text(mount.target);
    out.Number(static_cast<uint64_t>(mount.kind));
    out.Tree(mount.tree);
    out.Text(mount.selector);
    out.Number(mount.read_only);
    out.Number(mount.attributes);
    out.Number(mount.size_bytes);
    out.Number(mount.mode);
    out.Text(mount.content);
    out.Number(mount.uid);
    out.Number(mount.gid);
  }
  out.Number(spec.files.size());
  for (const SandboxSpec::File& file : spec.files) {
    out.Text(file.target);
    out.Text(file.content);
  }
  out.Number(spec.devices.size());
  for (const SandboxSpec::Device& device : spec.devices) {
    out.Text(device.target);
    out.Text(device.host_path);
    for (uint32_t number : {device.type, device.major, device.minor, device.mode, device.uid, device.gid}) out.Number(number);
    out.Number(device.readable);
    out.Number(device.writable);
  }
  out.Number(spec.groups.size());
  for (uint32_t group : spec.groups) out.Number(group);
  out.Texts(spec.args);
  out.Texts(spec.env);
  out.Text(spec.cwd);
  out.Text(spec.user);
  out.Text(spec.hostname);
  out.Number(spec.private_network);
  out.Number(spec.insecure);
  out.Number(spec.confidential);
  return out.Take();
}

Result<SandboxSpec> DecodeSpec(const std::string& bytes) {
  Reader in(bytes);
  SandboxSpec spec;
  spec.root = in.Tree();
  spec.volatile_root = in.Number() != 0;
  spec.mounts.resize(in.Count(kMaxMounts));
  for (SandboxSpec::Mount& mount : spec.mounts) {
    mount.target = in.Text();
    mount.kind = static_cast<SandboxSpec::MountKind>(in.Number());
    mount.tree = in.Tree();
    mount.selector = in.Text();
    mount.read_only = in.Number() != 0;
    mount.attributes = static_cast<uint32_t>(in.Number());
    mount.size_bytes = in.Number();
    mount.mode = static_cast<uint32_t>(in.Number());
    mount.content = in.Text(kMaxSecretBytes);
    mount.uid = static_cast<uint32_t>(in.Number());
    mount.gid = static_cast<uint32_t>(in.Number());
  }
  spec.files.resize(in.Count());
  for (SandboxSpec::File& file : spec.files) {
    file.target = in.Text();
    file.content = in.Text();
  }
  spec.devices.resize(in.Count(kMaxDevices));
  for (SandboxSpec::Device& device : spec.devices) {
    device.target = in.Text();
    device.host_path = in.Text();
    for (uint32_t* number : {&device.type, &device.major, &device.minor, &device.mode, &device.uid, &device.gid}) {
      *number = static_cast<uint32_t>(in.Number());
    }
    device.readable = in.Number() != 0;
    device.writable = in.Number() != 0;
  }
  spec.groups.resize(in.Count());
  for (uint32_t& group : spec.groups) group = static_cast<uint32_t>(in.Number());
  spec.args = in.Texts();
  spec.env = in.Texts();
  spec.cwd = in.Text();
  spec.user = in.Text();
  spec.hostname = in.Text();
  spec.private_network = in.Number() != 0;
  spec.insecure = in.Number() != 0;
  spec.confidential = in.Number() != 0;
  if (!in.Complete()) return Error::Own("SANDBOX_PROTOCOL", "the description of the container is damaged");
  return spec;
}

std::string Encode(const Outcome& outcome) {
  Writer out;
  out.Number(outcome.failed);
  out.Number(static_cast<uint64_t>(outcome.error.error_number));
  out.Text(outcome.error.syscall);
  out.Text(outcome.error.path);
  out.Text(outcome.error.code);
  out.Text(outcome.error.message);
  out.Number(static_cast<uint64_t>(outcome.code));
  out.Number(static_cast<uint64_t>(outcome.signal));
  return out.Take();
}

Result<Outcome> DecodeOutcome(const std::string& bytes) {
  Reader in(bytes);
  Outcome outcome;
  outcome.failed = in.Number() != 0;
  outcome.error.error_number = static_cast<int>(in.Number());
  outcome.error.syscall = in.Text();
  outcome.error.path = in.Text();
  outcome.error.code = in.Text();
  outcome.error.message = in.Text();
  outcome.code = static_cast<int>(in.Number());
  outcome.signal = static_cast<int>(in.Number());
  if (!in.Complete()) return Error::Own("SANDBOX_PROTOCOL", "tsbuild-init ended without telling how it went");
  return outcome;
}

}  // namespace tsbuild
