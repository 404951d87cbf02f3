#include "fs/wildcard.h"

#include <cstdint>
#include <optional>

#include "fs/utf8.h"

namespace tsbuild {

namespace {

// One character of a class, after its escape; nothing where the pattern ends or is malformed there.
std::optional<uint32_t> TakeClassCharacter(std::string_view pattern, size_t* at) {
  if (*at >= pattern.size() || pattern[*at] == '-' || pattern[*at] == ']') return std::nullopt;
  if (pattern[*at] == '\\' && ++*at >= pattern.size()) return std::nullopt;
  return DecodeUtf8(pattern, at);
}

// Matches the class that begins after '[' at `*at` and moves past its ']'; nothing when it is malformed.
std::optional<bool> MatchClass(std::string_view pattern, size_t* at, uint32_t character) {
  bool negated = *at < pattern.size() && pattern[*at] == '^';
  if (negated) ++*at;
  bool found = false;
  for (bool first = true;; first = false) {
    if (*at < pattern.size() && pattern[*at] == ']' && !first) {
      ++*at;
      return found != negated;
    }
    auto low = TakeClassCharacter(pattern, at);
    if (!low) return std::nullopt;
    auto high = low;
    if (*at < pattern.size() && pattern[*at] == '-') {
      ++*at;
      high = TakeClassCharacter(pattern, at);
      if (!high) return std::nullopt;
    }
    found = found || (character >= *low && character <= *high);
  }
}

}  // namespace

bool MatchComponent(std::string_view pattern, std::string_view name) {
  size_t p = 0;
  size_t n = 0;
  // Where to go on when a later part fails: the last star takes one character more. One star is enough to remember.
  std::optional<size_t> star;
  size_t star_name = 0;
  for (;;) {
    bool failed = false;
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      star_name = n;
      continue;
    }
    if (p == pattern.size()) {
      if (n == name.size()) return true;
      failed = true;
    } else if (n == name.size()) {
      failed = true;
    } else {
      size_t next_name = n;
      uint32_t character = DecodeUtf8(name, &next_name);
      size_t next_pattern = p;
      if (pattern[p] == '?') {
        next_pattern = p + 1;
      } else if (pattern[p] == '[') {
        next_pattern = p + 1;
        auto matched = MatchClass(pattern, &next_pattern, character);
        if (!matched) return false;
        failed = !*matched;
      } else {
        if (pattern[next_pattern] == '\\' && ++next_pattern >= pattern.size()) return false;
        // Byte by byte: equal bytes are equal characters.
        failed = pattern[next_pattern] != name[n];
        next_pattern++;
        next_name = n + 1;
      }
      if (!failed) {
        p = next_pattern;
        n = next_name;
        continue;
      }
    }
    if (!star || star_name >= name.size()) return false;
    DecodeUtf8(name, &star_name);
    n = star_name;
    p = *star;
  }
}

bool HasWildcards(std::string_view component) {
  for (size_t i = 0; i < component.size(); i++) {
    if (component[i] == '\\') {
      i++;
    } else if (component[i] == '*' || component[i] == '?' || component[i] == '[') {
      return true;
    }
  }
  return false;
}

}  // namespace tsbuild
