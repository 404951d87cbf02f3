#include "sandbox/device_guard.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <utility>
#include <vector>

#include "cgroup/hierarchy.h"

namespace tsbuild {

namespace {

constexpr uint8_t kAnswer = BPF_REG_0, kContext = BPF_REG_1, kType = BPF_REG_2, kAccess = BPF_REG_3, kMajor = BPF_REG_4,
                  kMinor = BPF_REG_5, kRest = BPF_REG_6;

bpf_insn Instruction(unsigned code, uint8_t to, uint8_t from, int16_t offset, int32_t value) {
  bpf_insn instruction = {};
  instruction.code = static_cast<uint8_t>(code);
  instruction.dst_reg = to & 0xf;
  instruction.src_reg = from & 0xf;
  instruction.off = offset;
  instruction.imm = value;
  return instruction;
}

bpf_insn Load(uint8_t to, size_t offset) {
  return Instruction(BPF_LDX | BPF_MEM | BPF_W, to, kContext, static_cast<int16_t>(offset), 0);
}

bpf_insn SkipUnless(uint8_t reg, int value, int16_t instructions) {
  return Instruction(BPF_JMP | BPF_JNE | BPF_K, reg, 0, instructions, value);
}

bpf_insn Exit() { return Instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0); }

// Ends with the answer that stands when this device is opened in no other way than it is granted.
void Grant(const SandboxSpec::Device& device, std::vector<bpf_insn>* program) {
  if (device.type != S_IFCHR && device.type != S_IFBLK) return;
  int allowed = (device.readable ? BPF_DEVCG_ACC_READ : 0) | (device.writable ? BPF_DEVCG_ACC_WRITE : 0);
  if (allowed == 0) return;
  for (const bpf_insn& instruction : {
           SkipUnless(kType, device.type == S_IFCHR ? BPF_DEVCG_DEV_CHAR : BPF_DEVCG_DEV_BLOCK, 6),
           SkipUnless(kMajor, static_cast<int>(device.major), 5),
           SkipUnless(kMinor, static_cast<int>(device.minor), 4),
           Instruction(BPF_ALU64 | BPF_MOV | BPF_X, kRest, kAccess, 0, 0),
           Instruction(BPF_ALU64 | BPF_AND | BPF_K, kRest, 0, 0, ~allowed),
           SkipUnless(kRest, 0, 1),
           Exit(),
       }) {
    program->push_back(instruction);
  }
}

// Docker's rules: any node may be made; those that tell nothing of the host may be opened.
std::vector<bpf_insn> Program(const std::vector<SandboxSpec::Device>& granted) {
  constexpr int kAny = -1;
  constexpr int kOpenable[][2] = {{1, 3}, {1, 5}, {1, 7}, {1, 8}, {1, 9}, {5, 0}, {5, 2}, {136, kAny}};
  auto answer = [](int value) { return Instruction(BPF_ALU64 | BPF_MOV | BPF_K, kAnswer, 0, 0, value); };
  std::vector<bpf_insn> program = {
      Load(kType, offsetof(bpf_cgroup_dev_ctx, access_type)),
      Instruction(BPF_ALU64 | BPF_MOV | BPF_X, kAccess, kType, 0, 0),
      Instruction(BPF_ALU64 | BPF_RSH | BPF_K, kAccess, 0, 0, 16),
      Instruction(BPF_ALU64 | BPF_AND | BPF_K, kType, 0, 0, 0xffff),
      Load(kMajor, offsetof(bpf_cgroup_dev_ctx, major)),
      Load(kMinor, offsetof(bpf_cgroup_dev_ctx, minor)),
      answer(1),
      SkipUnless(kAccess, BPF_DEVCG_ACC_MKNOD, 1),
      Exit(),
  };
  for (const SandboxSpec::Device& device : granted) Grant(device, &program);
  for (const bpf_insn& instruction :
       {Instruction(BPF_JMP | BPF_JEQ | BPF_K, kType, 0, 2, BPF_DEVCG_DEV_CHAR), answer(0), Exit()}) {
    program.push_back(instruction);
  }
  for (const auto& [major, minor] : kOpenable) {
    program.push_back(SkipUnless(kMajor, major, minor == kAny ? 1 : 2));
    if (minor != kAny) program.push_back(SkipUnless(kMinor, minor, 1));
    program.push_back(Exit());
  }
  program.push_back(answer(0));
  program.push_back(Exit());
  return program;
}

long Bpf(int command, bpf_attr& attributes) { return syscall(SYS_bpf, command, &attributes, sizeof attributes); }

bool Attach(int group, const std::vector<SandboxSpec::Device>& granted) {
  std::vector<bpf_insn> instructions = Program(granted);
  static constexpr char kLicense[] = "Apache-2.0";
  bpf_attr load = {};
  load.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  load.insns = reinterpret_cast<uintptr_t>(instructions.data());
  load.insn_cnt = static_cast<uint32_t>(instructions.size());
  load.license = reinterpret_cast<uintptr_t>(kLicense);
  UniqueFd program(static_cast<int>(Bpf(BPF_PROG_LOAD, load)));
  if (!program) return false;
  bpf_attr attach = {};
  attach.target_fd = static_cast<uint32_t>(group);
  attach.attach_bpf_fd = static_cast<uint32_t>(program.get());
  attach.attach_type = BPF_CGROUP_DEVICE;
  // Together with what a container around us allows, never instead of it.
  attach.attach_flags = BPF_F_ALLOW_MULTI;
  return Bpf(BPF_PROG_ATTACH, attach) == 0;
}

}  // namespace

DeviceGuard DeviceGuard::Create(const std::vector<SandboxSpec::Device>& granted) {
  DeviceGuard guard;
  auto hierarchy = DetectCgroupHierarchy();
  if (hierarchy != CgroupHierarchy::kV2 && hierarchy != CgroupHierarchy::kHybrid) return guard;
  std::string tree = hierarchy == CgroupHierarchy::kV2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/unified";
  // Below our own group, so that its limits hold for the container too. By descriptor: when the group goes, our root has long
  // been pivoted into the container's.
  UniqueFd parent(open((tree + OwnCgroup("")).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::string name = "tsbuild-" + std::to_string(getpid());
  if (!parent || mkdirat(parent.get(), name.c_str(), 0755) < 0) return guard;
  guard.parent_ = std::move(parent);
  guard.name_ = std::move(name);
  UniqueFd group(openat(guard.parent_.get(), guard.name_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (group && Attach(group.get(), granted)) guard.group_ = std::move(group);
  return guard;
}

DeviceGuard::DeviceGuard(DeviceGuard&& other) noexcept
    : parent_(std::move(other.parent_)), name_(std::move(other.name_)), group_(std::move(other.group_)) {}

DeviceGuard::~DeviceGuard() {
  if (!parent_) return;
  // The last processes are gone, but the kernel may not yet have crossed them off.
  for (int attempt = 0; attempt < 100; attempt++) {
    if (unlinkat(parent_.get(), name_.c_str(), AT_REMOVEDIR) == 0 || errno != EBUSY) return;
    usleep(1000);
  }
}

Result<pid_t> DeviceGuard::Fork() const {
  struct clone_args arguments = {};
  arguments.exit_signal = SIGCHLD;
  arguments.flags = CLONE_INTO_CGROUP;
  arguments.cgroup = static_cast<uint64_t>(group_.get());
  // Not through the C library, which knows no groups; we have no threads whose state it would have to look after.
  pid_t pid = group_ ? static_cast<pid_t>(syscall(SYS_clone3, &arguments, sizeof arguments)) : fork();
  if (pid < 0) return Error::FromErrno("fork", name_);
  return pid;
}

}  // namespace tsbuild
