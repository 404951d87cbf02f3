#include "layer/tar_writer.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "fs/directory.h"

namespace tsbuild {

namespace {

constexpr char kZeros[kTarBlock] = {};

struct Header {
  char name[100];
  char mode[8];
  char uid[8];
  char gid[8];
  char size[12];
  char mtime[12];
  char checksum[8];
  char type;
  char link[100];
  char magic[6];
  char version[2];
  char user[32];
  char group[32];
  char major[8];
  char minor[8];
  char prefix[155];
  char rest[12];
};
static_assert(sizeof(Header) == kTarBlock);

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

template <size_t N>
bool FitsOctal(const char (&)[N], uint64_t value) {
  return value < (uint64_t{1} << (3 * (N - 1)));
}

// Zero-padded octal with a NUL; a value that does not fit is 0 here and right in the PAX header.
template <size_t N>
void PutOctal(char (&field)[N], uint64_t value) {
  if (!FitsOctal(field, value)) value = 0;
  for (size_t i = N - 1; i-- > 0; value >>= 3) field[i] = static_cast<char>('0' + (value & 7));
  field[N - 1] = '\0';
}

// What fits, without the bytes that are not ASCII: only old programs read it, where a PAX record has the rest.
template <size_t N>
void PutText(char (&field)[N], std::string_view text) {
  size_t at = 0;
  for (char c : text) {
    if (at == N) break;
    if (static_cast<unsigned char>(c) < 0x80) field[at++] = c;
  }
}

// Splits a long name at a slash so that both parts fit their fields.
bool SplitName(std::string_view name, std::string_view* prefix, std::string_view* rest) {
  if (name.size() <= 100 || name.size() > 256) return false;
  size_t slash = name.rfind('/', std::min<size_t>(155, name.size() - 2));
  if (slash == std::string_view::npos || slash == 0 || name.size() - slash - 1 > 100) return false;
  *prefix = name.substr(0, slash);
  *rest = name.substr(slash + 1);
  return true;
}

void PutChecksum(Header* header) {
  memset(header->checksum, ' ', sizeof(header->checksum));
  uint64_t sum = 0;
  const auto* bytes = reinterpret_cast<const uint8_t*>(header);
  for (size_t i = 0; i < sizeof(Header); i++) sum += bytes[i];
  char digits[7];
  PutOctal(digits, sum);
  memcpy(header->checksum, digits, sizeof(digits));
}

void PutMagic(Header* header) {
  memcpy(header->magic, "ustar", 6);
  memcpy(header->version, "00", 2);
}

// "<length> <key>=<value>\n", where the length counts its own digits.
std::string FormatRecord(const std::string& key, const std::string& value) {
  size_t size = key.size() + value.size() + 3;
  size_t length = size + std::to_string(size).size();
  if (std::to_string(length).size() != std::to_string(size).size()) length = size + std::to_string(length).size();
  return std::to_string(length) + " " + key + "=" + value + "\n";
}

// "1700000000.123456789", without trailing zeros. Before 1970 the fraction counts back from the second: -1.5 is 1.5 s before.
std::string FormatTime(const timespec& time) {
  bool before = time.tv_sec < 0;
  int64_t seconds = before ? -(static_cast<int64_t>(time.tv_sec) + 1) : static_cast<int64_t>(time.tv_sec);
  std::string fraction = std::to_string(1'000'000'000 + (before ? 1'000'000'000 - time.tv_nsec : time.tv_nsec)).substr(1);
  fraction.erase(fraction.find_last_not_of('0') + 1);
  return (before ? "-" : "") + std::to_string(seconds) + "." + fraction;
}

char TypeFlag(TarEntry::Type type) {
  switch (type) {
    case TarEntry::Type::kFile:
      return '0';
    case TarEntry::Type::kHardlink:
      return '1';
    case TarEntry::Type::kSymlink:
      return '2';
    case TarEntry::Type::kCharacterDevice:
      return '3';
    case TarEntry::Type::kBlockDevice:
      return '4';
    case TarEntry::Type::kDirectory:
      return '5';
    case TarEntry::Type::kFifo:
      return '6';
  }
  return '0';
}

}  // namespace

Status TarWriter::Write(const char* data, size_t size) {
  written_ += size;
  return sink_.Write(data, size);
}

Status TarWriter::WriteRecords(const std::string& name, const std::string& records) {
  Header header{};
  std::string_view plain = std::string_view(name).substr(0, name.find_last_not_of('/') + 1);
  std::string title = JoinPath(JoinPath(ParentPath(plain), "PaxHeaders.0"), BaseName(plain));
  PutText(header.name, title);
  PutOctal(header.mode, 0);
  PutOctal(header.uid, 0);
  PutOctal(header.gid, 0);
  PutOctal(header.size, records.size());
  PutOctal(header.mtime, 0);
  header.type = 'x';
  PutMagic(&header);
  PutChecksum(&header);
  TSB_TRY(Write(reinterpret_cast<const char*>(&header), sizeof(header)));
  TSB_TRY(Write(records.data(), records.size()));
  return EndContent();
}

Status TarWriter::WriteHeader(const TarEntry& entry) {
  std::string name = entry.name;
  if (entry.type == TarEntry::Type::kDirectory && !name.ends_with('/')) name.push_back('/');
  std::map<std::string, std::string> records;
  Header header{};
  std::string_view prefix;
  std::string_view rest;
  if (name.size() <= sizeof(header.name) && IsAscii(name)) {
    PutText(header.name, name);
  } else if (IsAscii(name) && SplitName(name, &prefix, &rest)) {
    PutText(header.name, rest);
    PutText(header.prefix, prefix);
  } else {
    records["path"] = name;
    PutText(header.name, name);
  }
  if (entry.link.size() > sizeof(header.link) || !IsAscii(entry.link)) records["linkpath"] = entry.link;
  PutText(header.link, entry.link);
  if (!FitsOctal(header.uid, entry.uid)) records["uid"] = std::to_string(entry.uid);
  if (!FitsOctal(header.gid, entry.gid)) records["gid"] = std::to_string(entry.gid);
  if (!FitsOctal(header.size, entry.size)) records["size"] = std::to_string(entry.size);
  int64_t seconds = entry.mtime.tv_sec;
  if (entry.mtime.tv_nsec != 0) {
    records["mtime"] = FormatTime(entry.mtime);
  } else if (seconds < 0 || !FitsOctal(header.mtime, static_cast<uint64_t>(seconds))) {
    records["mtime"] = std::to_string(seconds);
  }
  for (const Xattr& xattr : entry.xattrs) records["SCHILY.xattr." + xattr.name] = xattr.value;
  if (!records.empty()) {
    std::string text;
    for (const auto& [key, value] : records) text += FormatRecord(key, value);
    TSB_TRY(WriteRecords(name, text));
  }
  PutOctal(header.mode, entry.mode & 07777);
  PutOctal(header.uid, entry.uid);
  PutOctal(header.gid, entry.gid);
  PutOctal(header.size, entry.size);
  PutOctal(header.mtime, seconds < 0 ? 0 : static_cast<uint64_t>(seconds));
  header.type = TypeFlag(entry.type);
  PutMagic(&header);
  PutOctal(header.major, entry.device_major);
  PutOctal(header.minor, entry.device_minor);
  PutChecksum(&header);
  return Write(reinterpret_cast<const char*>(&header), sizeof(header));
}

Status TarWriter::WriteContent(const char* data, size_t size) { return Write(data, size); }

Status TarWriter::EndContent() {
  size_t over = written_ % kTarBlock;
  if (over == 0) return Unit{};
  return Write(kZeros, kTarBlock - over);
}

Status TarWriter::Finish() {
  TSB_TRY(Write(kZeros, kTarBlock));
  return Write(kZeros, kTarBlock);
}

}  // namespace tsbuild
