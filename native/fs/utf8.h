#pragma once

#include <cstdint>
#include <string_view>

namespace tsbuild {

// The code point at `*at`, which moves past it. A byte that begins no valid sequence is one character, U+FFFD, as in Go.
inline uint32_t DecodeUtf8(std::string_view text, size_t* at) {
  constexpr uint32_t kInvalid = 0xfffd;
  auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(*at);
  const size_t left = text.size() - *at;
  auto continues = [&](size_t i) { return i < left && (byte(*at + i) & 0xc0) == 0x80; };
  uint32_t value = first;
  size_t length = 1;
  if (first < 0x80) {
    length = 1;
  } else if (first >= 0xc2 && first < 0xe0 && continues(1)) {
    value = (first & 0x1fu) << 6 | (byte(*at + 1) & 0x3fu);
    length = 2;
  } else if (first >= 0xe0 && first < 0xf0 && continues(1) && continues(2)) {
    value = (first & 0x0fu) << 12 | (byte(*at + 1) & 0x3fu) << 6 | (byte(*at + 2) & 0x3fu);
    length = 3;
    if (value < 0x800 || (value >= 0xd800 && value < 0xe000)) {
      value = kInvalid;
      length = 1;
    }
  } else if (first >= 0xf0 && first < 0xf5 && continues(1) && continues(2) && continues(3)) {
    value = (first & 0x07u) << 18 | (byte(*at + 1) & 0x3fu) << 12 | (byte(*at + 2) & 0x3fu) << 6 |
            (byte(*at + 3) & 0x3fu);
    length = 4;
    if (value < 0x10000 || value > 0x10ffff) {
      value = kInvalid;
      length = 1;
    }
  } else {
    value = kInvalid;
  }
  *at += length;
  return value;
}

}  // namespace tsbuild
