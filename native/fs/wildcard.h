#pragma once

#include <string_view>

namespace tsbuild {

// Go's filepath.Match for one path component: `*`, `?`, `[a-z]`, `[^x]`, `\` escapes. A malformed pattern matches nothing.
bool MatchComponent(std::string_view pattern, std::string_view name);

// Whether a component of a source path is a pattern, as BuildKit decides it.
bool HasWildcards(std::string_view component);

}  // namespace tsbuild
