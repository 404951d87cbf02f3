// libbz2's archive refers to stdin, stdout and stderr as an executable does, directly, which no shared library can. The linker
// is told to read those names as these instead (binding.gyp); only file functions that nobody calls look at them.

#include <cstdio>

#undef stdin
#undef stdout
#undef stderr

extern "C" {
extern FILE* __real_stdin;
extern FILE* __real_stdout;
extern FILE* __real_stderr;
FILE* __wrap_stdin = nullptr;
FILE* __wrap_stdout = nullptr;
FILE* __wrap_stderr = nullptr;
}

namespace {

[[gnu::constructor]] void PointAtTheRealOnes() {
  __wrap_stdin = __real_stdin;
  __wrap_stdout = __real_stdout;
  __wrap_stderr = __real_stderr;
}

}  // namespace
