#include "sandbox/seccomp.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace tsbuild {

namespace {

using Program = std::vector<sock_filter>;

constexpr uint32_t kAllow = SECCOMP_RET_ALLOW;
constexpr uint32_t kDenied = SECCOMP_RET_ERRNO | EPERM;
// For what a profile of today cannot know: programs that try a new call first then fall back to an old one. Also for
// clone3, whose flags lie behind a pointer where no filter can see them.
constexpr uint32_t kMissing = SECCOMP_RET_ERRNO | ENOSYS;

sock_filter Statement(uint16_t code, uint32_t k) { return BPF_STMT(code, k); }
sock_filter Jump(uint16_t code, uint32_t k, uint8_t yes, uint8_t no) { return BPF_JUMP(code, k, yes, no); }

Program Return(uint32_t action) { return {Statement(BPF_RET | BPF_K, action)}; }
sock_filter Load(size_t offset) { return Statement(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset)); }

void Append(Program& program, const Program& more) { program.insert(program.end(), more.begin(), more.end()); }

// From `first` on, up to the next case, `body` decides.
struct Case {
  uint32_t first;
  Program body;
};

// A binary search over sorted cases, of which the first starts at 0. Neighbours that do the same are one case, which
// makes four hundred syscalls some sixty: eight comparisons decide any call.
Program Search(const std::vector<Case>& cases, size_t begin, size_t end) {
  if (end - begin == 1) return cases[begin].body;
  size_t middle = begin + (end - begin) / 2;
  Program below = Search(cases, begin, middle);
  Program above = Search(cases, middle, end);
  Program program;
  if (below.size() <= 255) {
    program.push_back(Jump(BPF_JMP | BPF_JGE | BPF_K, cases[middle].first, static_cast<uint8_t>(below.size()), 0));
  } else {
    // Conditional jumps reach 255 instructions, unconditional ones any distance.
    program.push_back(Jump(BPF_JMP | BPF_JGE | BPF_K, cases[middle].first, 0, 1));
    program.push_back(Statement(BPF_JMP | BPF_JA, static_cast<uint32_t>(below.size())));
  }
  Append(program, below);
  Append(program, above);
  return program;
}

Program SearchAll(const std::vector<Case>& cases) { return Search(cases, 0, cases.size()); }

// Decides by the first argument: loads both halves, denies what does not fit into 32 bits.
Program ByFirstArgument(const Program& body) {
  constexpr size_t kArgument = offsetof(seccomp_data, args);
  Program program = {Load(kArgument + 4), Jump(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
                     Statement(BPF_RET | BPF_K, kDenied), Load(kArgument)};
  Append(program, body);
  return program;
}

// No new namespaces. All flags lie in the lower half.
Program CheckClone() {
  constexpr uint32_t kNamespaces = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |
                                   CLONE_NEWNET | CLONE_NEWCGROUP;
  return {Load(offsetof(seccomp_data, args)), Jump(BPF_JMP | BPF_JSET | BPF_K, kNamespaces, 0, 1),
          Statement(BPF_RET | BPF_K, kDenied), Statement(BPF_RET | BPF_K, kAllow)};
}

// PER_LINUX, PER_LINUX32, each with UNAME26 or not; 0xffffffff asks without changing.
Program CheckPersonality() {
  Program body;
  for (uint32_t allowed : {0x0u, 0x8u, 0x20000u, 0x20008u, 0xffffffffu}) {
    body.push_back(Jump(BPF_JMP | BPF_JEQ | BPF_K, allowed, 0, 1));
    body.push_back(Statement(BPF_RET | BPF_K, kAllow));
  }
  Append(body, Return(kDenied));
  return ByFirstArgument(body);
}

// Socket families that a container may use: not AF_VSOCK (40) and AF_ALG (38), which reach the host's side of a virtual
// machine and the kernel's cryptography, nor those that no kernel has any more.
Program CheckSocket() {
  constexpr uint32_t kAllowed[][2] = {{0, 11}, {13, 18}, {21, 22}, {24, 24}, {26, 33}, {35, 36}, {39, 39}, {41, 45}};
  std::vector<Case> cases;
  for (const auto& [first, last] : kAllowed) {
    cases.push_back({first, Return(kAllow)});
    cases.push_back({last + 1, Return(kDenied)});
  }
  return ByFirstArgument(SearchAll(cases));
}

enum class Rule { kAllow, kClone, kClone3, kPersonality, kSocket };

constexpr Rule RuleOf(std::string_view name) {
  if (name == "clone") return Rule::kClone;
  if (name == "clone3") return Rule::kClone3;
  if (name == "personality") return Rule::kPersonality;
  if (name == "socket") return Rule::kSocket;
  return Rule::kAllow;
}

struct Syscall {
  Rule rule;
  int x86_64, x32, x86, arm64, arm;
};

constexpr Syscall kProfile[] = {
#define SYSCALL(name, x86_64, x32, x86, arm64, arm) {RuleOf(#name), x86_64, x32, x86, arm64, arm},
#include "sandbox/seccomp_profile.def"
#undef SYSCALL
};

Program BodyOf(Rule rule) {
  switch (rule) {
    case Rule::kClone:
      return CheckClone();
    case Rule::kClone3:
      return Return(kMissing);
    case Rule::kPersonality:
      return CheckPersonality();
    case Rule::kSocket:
      return CheckSocket();
    case Rule::kAllow:
      break;
  }
  return Return(kAllow);
}

// Adds the syscalls of one ABI, whose numbers begin at `base`, behind the cases that are there.
void AddAbi(std::vector<Case>& cases, int Syscall::*number, uint32_t base) {
  std::vector<std::pair<uint32_t, Rule>> calls;
  for (const Syscall& call : kProfile) {
    if (call.*number >= 0) calls.emplace_back(base + static_cast<uint32_t>(call.*number), call.rule);
  }
  std::sort(calls.begin(), calls.end());
  constexpr uint32_t kPrivate = 0xf0000;  // 32-bit arm has calls of its own from here on; they tell nothing about age
  uint32_t next = base;
  uint32_t newest = base;
  cases.push_back({base, Return(kDenied)});
  for (size_t i = 0; i < calls.size(); i++) {
    auto [call, rule] = calls[i];
    if (call > next) cases.push_back({next, Return(kDenied)});
    bool joins = i > 0 && call == next && rule == Rule::kAllow && calls[i - 1].second == Rule::kAllow;
    if (!joins) cases.push_back({call, BodyOf(rule)});
    next = call + 1;
    if (call - base < kPrivate) newest = call;
  }
  cases.push_back({newest + 1, Return(kMissing)});
  cases.push_back({next, Return(kMissing)});
}

Program Abi(std::initializer_list<std::pair<int Syscall::*, uint32_t>> parts) {
  std::vector<Case> cases;
  for (const auto& [number, base] : parts) AddAbi(cases, number, base);
  std::stable_sort(cases.begin(), cases.end(), [](const Case& a, const Case& b) { return a.first < b.first; });
  // Of two cases that start at the same number the later one was meant.
  std::vector<Case> distinct;
  for (Case& one : cases) {
    if (!distinct.empty() && distinct.back().first == one.first) distinct.pop_back();
    distinct.push_back(std::move(one));
  }
  Program program = {Load(offsetof(seccomp_data, nr))};
  Append(program, SearchAll(distinct));
  return program;
}

// `body` for calls made through this ABI, the rest of the program for all others.
void AddArchitecture(Program& program, uint32_t audit_arch, const Program& body) {
  program.push_back(Jump(BPF_JMP | BPF_JEQ | BPF_K, audit_arch, 1, 0));
  program.push_back(Statement(BPF_JMP | BPF_JA, static_cast<uint32_t>(body.size())));
  Append(program, body);
}

}  // namespace

Program CompileDefaultFilter() {
  Program program = {Load(offsetof(seccomp_data, arch))};
#if defined(__x86_64__)
  // x32 calls come as x86_64 with bit 30 set: the same search serves both.
  AddArchitecture(program, AUDIT_ARCH_X86_64, Abi({{&Syscall::x86_64, 0}, {&Syscall::x32, 0x40000000}}));
  AddArchitecture(program, AUDIT_ARCH_I386, Abi({{&Syscall::x86, 0}}));
#elif defined(__aarch64__)
  AddArchitecture(program, AUDIT_ARCH_AARCH64, Abi({{&Syscall::arm64, 0}}));
  AddArchitecture(program, AUDIT_ARCH_ARM, Abi({{&Syscall::arm, 0}}));
#else
#error "no syscall numbers for this architecture in seccomp_profile.def"
#endif
  Append(program, Return(SECCOMP_RET_KILL_PROCESS));
  return program;
}

Status LoadDefaultFilter() {
  Program program = CompileDefaultFilter();
  struct sock_fprog filter = {static_cast<unsigned short>(program.size()), program.data()};
  // Without SPEC_ALLOW older kernels slow every filtered process down by speculation barriers; docker passes it too.
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &filter) < 0) {
    return Error::FromErrno("seccomp");
  }
  return Unit{};
}

}  // namespace tsbuild
