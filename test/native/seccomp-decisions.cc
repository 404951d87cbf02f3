// Prints what the default filter decides, one line a question, by running the BPF program on questions from stdin:
//   <audit arch> <syscall number> <first argument>      all as C integers
// The kernel's own interpreter is not reachable from a program, so this is a small one of the instructions that filters use.

#include <linux/seccomp.h>

#include <cerrno>
#include <cinttypes>
#include <cstddef>
#include <cstdio>
#include <cstring>

#include "sandbox/seccomp.h"

static uint32_t Run(const std::vector<sock_filter>& program, const seccomp_data& data) {
  uint32_t a = 0;
  for (size_t at = 0; at < program.size(); at++) {
    const sock_filter& op = program[at];
    switch (op.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        memcpy(&a, reinterpret_cast<const char*>(&data) + op.k, sizeof a);
        break;
      case BPF_JMP | BPF_JA:
        at += op.k;
        break;
      case BPF_JMP | BPF_JEQ | BPF_K:
        at += a == op.k ? op.jt : op.jf;
        break;
      case BPF_JMP | BPF_JGE | BPF_K:
        at += a >= op.k ? op.jt : op.jf;
        break;
      case BPF_JMP | BPF_JSET | BPF_K:
        at += (a & op.k) != 0 ? op.jt : op.jf;
        break;
      case BPF_RET | BPF_K:
        return op.k;
      default:
        printf("bad instruction %#x at %zu\n", op.code, at);
        return 0;
    }
  }
  printf("fell off the end\n");
  return 0;
}

int main() {
  std::vector<sock_filter> program = tsbuild::CompileDefaultFilter();
  fprintf(stderr, "%zu\n", program.size());
  seccomp_data data = {};
  int64_t arch, number, argument;
  while (scanf("%" SCNi64 " %" SCNi64 " %" SCNi64, &arch, &number, &argument) == 3) {
    data.arch = static_cast<uint32_t>(arch);
    data.nr = static_cast<int>(number);
    data.args[0] = static_cast<uint64_t>(argument);
    switch (uint32_t action = Run(program, data)) {
      case SECCOMP_RET_ALLOW:
        puts("allow");
        break;
      case SECCOMP_RET_ERRNO | EPERM:
        puts("EPERM");
        break;
      case SECCOMP_RET_ERRNO | ENOSYS:
        puts("ENOSYS");
        break;
      case SECCOMP_RET_KILL_PROCESS:
        puts("kill");
        break;
      default:
        printf("%#x\n", action);
    }
  }
}
