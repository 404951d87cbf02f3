// Makes one system call and prints 0 or the errno: probe <abi> <number> [arguments]. The ABI is 64, x32 (bit 30 set) or 32
// (the gate of 32-bit programs, on x86).

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

int main(int count, char** words) {
  long v[7] = {};
  for (int i = 2; i < count && i < 9; i++) v[i - 2] = static_cast<long>(strtoull(words[i], nullptr, 0));
  long result;
  if (strcmp(words[1], "32") == 0) {
#if defined(__x86_64__)
    asm volatile("int $0x80" : "=a"(result) : "a"(v[0]), "b"(v[1]), "c"(v[2]), "d"(v[3]), "S"(v[4]), "D"(v[5]) : "memory", "r8", "r9", "r10", "r11");
    errno = result < 0 ? static_cast<int>(-result) : 0;
#else
    return 2;
#endif
  } else {
    long number = strcmp(words[1], "x32") == 0 ? v[0] | 0x40000000 : v[0];
    result = syscall(number, v[1], v[2], v[3], v[4], v[5], v[6]);
  }
  printf("%d\n", result < 0 ? errno : 0);
}
