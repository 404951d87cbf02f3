#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "layer/tar_entry.h"

namespace tsbuild {

// Where the type stands in a header block.
constexpr size_t kTarTypeFlag = 156;

// A number of a header: octal in ASCII, or base 256 where the first bit is set. Nothing: it is neither.
std::optional<int64_t> ParseTarNumber(const char* field, size_t size);

// Reads what one block says, in any of the formats; what other blocks add is not its business. Gives why it is no header,
// null when it is one. Extensions read as files: their content follows likewise.
const char* ParseTarHeader(const char* block, TarEntry* entry);

}  // namespace tsbuild
