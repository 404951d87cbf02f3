#include "text/prefix_lines.h"

#include <cstring>

namespace tsbuild {

size_t PrefixLines(char* target, std::string_view data, std::string_view prefix, bool begins) {
  char* out = target;
  const char* at = data.data();
  const char* const end = at + data.size();
  for (; at < end; begins = true) {
    if (begins) {
      memcpy(out, prefix.data(), prefix.size());
      out += prefix.size();
    }
    const void* newline = memchr(at, '\n', static_cast<size_t>(end - at));
    const char* next = newline == nullptr ? end : static_cast<const char*>(newline) + 1;
    memcpy(out, at, static_cast<size_t>(next - at));
    out += next - at;
    at = next;
  }
  return static_cast<size_t>(out - target);
}

}  // namespace tsbuild
