#include "layer/tar_header.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string_view>

namespace tsbuild {

namespace {

// Where fields lie in a header block (POSIX.1 ustar).
struct Field {
  size_t offset;
  size_t size;
};
constexpr Field kName{0, 100}, kMode{100, 8}, kUid{108, 8}, kGid{116, 8}, kSize{124, 12}, kMtime{136, 12},
    kChecksum{148, 8}, kLink{157, 100}, kMagic{257, 8}, kMajor{329, 8}, kMinor{337, 8}, kPrefix{345, 155};

std::string_view TextOf(const char* block, Field field) {
  std::string_view text(block + field.offset, field.size);
  return text.substr(0, text.find('\0'));
}

std::optional<int64_t> NumberOf(const char* block, Field field) { return ParseTarNumber(block + field.offset, field.size); }

bool ChecksumHolds(const char* block) {
  auto stored = NumberOf(block, kChecksum);
  int64_t as_unsigned = 0;
  int64_t as_signed = 0;  // some old programs summed signed bytes
  for (size_t i = 0; i < kTarBlock; i++) {
    bool in_field = i >= kChecksum.offset && i < kChecksum.offset + kChecksum.size;
    char c = in_field ? ' ' : block[i];
    as_unsigned += static_cast<uint8_t>(c);
    as_signed += static_cast<signed char>(c);
  }
  return stored && (*stored == as_unsigned || *stored == as_signed);
}

}  // namespace

std::optional<int64_t> ParseTarNumber(const char* field, size_t size) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(field);
  if ((bytes[0] & 0x80) != 0) {
    bool negative = (bytes[0] & 0x40) != 0;
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) {
      uint8_t byte = bytes[i];
      if (negative) byte = static_cast<uint8_t>(~byte);
      if (i == 0) byte &= 0x3f;
      if ((value >> 55) != 0) return std::nullopt;
      value = value << 8 | byte;
    }
    return negative ? -static_cast<int64_t>(value) - 1 : static_cast<int64_t>(value);
  }
  std::string_view text(field, size);
  size_t begin = text.find_first_not_of(std::string_view(" \0", 2));
  if (begin == std::string_view::npos) return 0;
  size_t end = std::min(text.find_first_of(std::string_view(" \0", 2), begin), text.size());
  int64_t value = 0;
  auto [stop, error] = std::from_chars(text.data() + begin, text.data() + end, value, 8);
  if (error != std::errc() || stop != text.data() + end || value < 0) return std::nullopt;
  return value;
}

const char* ParseTarHeader(const char* block, TarEntry* out) {
  if (!ChecksumHolds(block)) return "the checksum is wrong";
  TarEntry& entry = *out;
  entry = {};
  bool posix = memcmp(block + kMagic.offset, "ustar\0", 6) == 0;
  entry.name = TextOf(block, kName);
  if (posix) {
    std::string_view prefix = TextOf(block, kPrefix);
    if (!prefix.empty()) entry.name = std::string(prefix) + "/" + entry.name;
  }
  entry.link = TextOf(block, kLink);
  auto mode = NumberOf(block, kMode);
  auto uid = NumberOf(block, kUid);
  auto gid = NumberOf(block, kGid);
  auto size = NumberOf(block, kSize);
  auto mtime = NumberOf(block, kMtime);
  if (!mode || !uid || !gid || !size || !mtime) return "a field is not a number";
  if (*size < 0 || *uid < 0 || *gid < 0) return "a field is negative";
  entry.mode = static_cast<mode_t>(*mode) & 07777;
  entry.uid = static_cast<uint64_t>(*uid);
  entry.gid = static_cast<uint64_t>(*gid);
  entry.size = static_cast<uint64_t>(*size);
  entry.mtime.tv_sec = *mtime;
  using Type = TarEntry::Type;
  switch (block[kTarTypeFlag]) {
    case '0':
    case '\0':
    case '7':
    case 'S':
    case 'x':
    case 'g':
    case 'L':
    case 'K':
    case 'V':
      entry.type = Type::kFile;
      break;
    case '1':
      entry.type = Type::kHardlink;
      break;
    case '2':
      entry.type = Type::kSymlink;
      break;
    case '3':
    case '4': {
      entry.type = block[kTarTypeFlag] == '3' ? Type::kCharacterDevice : Type::kBlockDevice;
      auto major = NumberOf(block, kMajor);
      auto minor = NumberOf(block, kMinor);
      if (!major || !minor || *major < 0 || *minor < 0 || *major > 0xfff || *minor > 0xfffff) return "bad device numbers";
      entry.device_major = static_cast<uint32_t>(*major);
      entry.device_minor = static_cast<uint32_t>(*minor);
      break;
    }
    case '5':
      entry.type = Type::kDirectory;
      break;
    case '6':
      entry.type = Type::kFifo;
      break;
    default:
      return "unknown entry type";
  }
  return nullptr;
}

}  // namespace tsbuild
