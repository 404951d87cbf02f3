#pragma once

#include <cstddef>
#include <string_view>

namespace tsbuild {

// Copies `data` with `prefix` before each line that begins in it; the first byte begins one when `begins`. `target` has room for
// a prefix before every byte. Returns the length of what was written.
size_t PrefixLines(char* target, std::string_view data, std::string_view prefix, bool begins);

}  // namespace tsbuild
