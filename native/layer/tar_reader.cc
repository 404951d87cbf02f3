#include "layer/tar_reader.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "layer/tar_header.h"

namespace tsbuild {

namespace {

// Long enough for every real name and set of attributes; far too short to fill memory.
constexpr uint64_t kMaxRecords = 1024 * 1024;
constexpr uint64_t kMaxExtensions = 4 * kMaxRecords;  // before one entry
// The names of more do not fit into what the kernel lists (XATTR_LIST_MAX).
constexpr size_t kMaxXattrs = 8192;
constexpr size_t kMaxExtents = 1024 * 1024;
// No file system holds more, and a sparse entry of a few bytes may claim any size.
constexpr uint64_t kMaxSparseSize = uint64_t{1} << 44;
// GNU's sparse fields in a header block, and in one that continues it.
constexpr size_t kSparseStart = 386, kSparseExtended = 482, kSparseRealSize = 483, kContinuationExtended = 504;

template <typename T>
std::optional<T> ParseDecimal(std::string_view text) {
  T value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "1700000000.123456789", perhaps negative.
std::optional<timespec> ParseTime(std::string_view text) {
  size_t dot = text.find('.');
  auto seconds = ParseDecimal<int64_t>(text.substr(0, dot));
  if (!seconds || *seconds == INT64_MIN) return std::nullopt;
  timespec time{};
  time.tv_sec = *seconds;
  if (dot != std::string_view::npos) {
    std::string digits(text.substr(dot + 1));
    if (digits.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
    digits.resize(9, '0');
    long nanoseconds = std::stol(digits);
    if (text.front() == '-' && nanoseconds > 0) {
      time.tv_sec--;
      nanoseconds = 1'000'000'000 - nanoseconds;
    }
    time.tv_nsec = nanoseconds;
  }
  return time;
}

}  // namespace

Error TarReader::BadHeader(const std::string& why) const {
  return Error::Own("TAR_BAD_HEADER", "bad tar header before byte " + std::to_string(offset_) + ": " + why, current_);
}

Status TarReader::ReadExactly(char* buffer, size_t size) {
  size_t done = 0;
  while (done < size) {
    auto n = source_.Read(buffer + done, size - done);
    if (!n.ok()) return std::move(n.error());
    if (*n == 0) {
      return Error::Own("TAR_TRUNCATED", "the archive ends in the middle, after " + std::to_string(offset_) + " bytes", current_);
    }
    done += *n;
    offset_ += *n;
  }
  return Unit{};
}

Result<bool> TarReader::ReadBlock(char* block) {
  auto first = source_.Read(block, kTarBlock);
  if (!first.ok()) return std::move(first.error());
  if (*first == 0) return false;
  offset_ += *first;
  TSB_TRY(ReadExactly(block + *first, kTarBlock - *first));
  return true;
}

Status TarReader::SkipContent() {
  char scratch[16 * 1024];
  uint64_t left = remaining_ + padding_;
  while (left > 0) {
    size_t size = static_cast<size_t>(std::min<uint64_t>(left, sizeof(scratch)));
    TSB_TRY(ReadExactly(scratch, size));
    left -= size;
  }
  remaining_ = padding_ = 0;
  return Unit{};
}

void TarReader::ExpectContent(uint64_t size) {
  remaining_ = size;
  padding_ = (kTarBlock - size % kTarBlock) % kTarBlock;
}

Result<size_t> TarReader::Read(char* buffer, size_t size) {
  size = static_cast<size_t>(std::min<uint64_t>(size, remaining_));
  if (size == 0) return size_t{0};
  auto n = source_.Read(buffer, size);
  if (!n.ok()) return n;
  if (*n == 0) {
    return Error::Own("TAR_TRUNCATED", "the archive ends in the middle, after " + std::to_string(offset_) + " bytes", current_);
  }
  remaining_ -= *n;
  offset_ += *n;
  return n;
}

Result<std::string> TarReader::ReadText(uint64_t size) {
  if (size > kMaxRecords) return BadHeader("an extension of " + std::to_string(size) + " bytes");
  std::string text(size, '\0');
  TSB_TRY(ReadExactly(text.data(), text.size()));
  remaining_ = 0;
  TSB_TRY(SkipContent());
  return text;
}

Result<std::optional<TarEntry>> TarReader::Next() {
  if (ended_) return std::optional<TarEntry>();
  TSB_TRY(SkipContent());
  std::optional<std::string> long_name;
  std::optional<std::string> long_link;
  Records records;
  uint64_t extension_bytes = 0;
  char block[kTarBlock];
  for (;;) {
    auto there = ReadBlock(block);
    if (!there.ok()) return std::move(there.error());
    bool zeros = *there && std::all_of(block, block + kTarBlock, [](char c) { return c == 0; });
    if (!*there || zeros) {
      if (long_name || long_link || !records.empty()) return BadHeader("an extension without the entry that it extends");
      ended_ = true;
      return std::optional<TarEntry>();
    }
    TarEntry entry;
    if (const char* bad = ParseTarHeader(block, &entry)) return BadHeader(bad);
    current_ = entry.name;
    ExpectContent(entry.size);
    char flag = block[kTarTypeFlag];
    if (flag == 'x' || flag == 'g' || flag == 'L' || flag == 'K') {
      // Each is bounded, and so must be any number of them: compressed they cost their author next to nothing.
      extension_bytes += std::min(entry.size, kMaxRecords) + kTarBlock;
      if (extension_bytes > kMaxExtensions) return BadHeader("extensions without end");
    }
    if (flag == 'x' || flag == 'g') {
      auto text = ReadText(entry.size);
      if (!text.ok()) return std::move(text.error());
      // Global records have no meaning for a layer; they are checked and dropped.
      Records global;
      TSB_TRY(ParseRecords(*text, flag == 'x' ? &records : &global));
      continue;
    }
    if (flag == 'L' || flag == 'K') {
      auto text = ReadText(entry.size);
      if (!text.ok()) return std::move(text.error());
      text->resize(strnlen(text->data(), text->size()));
      (flag == 'L' ? long_name : long_link) = std::move(*text);
      continue;
    }
    if (flag == 'V') {  // a volume's label
      TSB_TRY(SkipContent());
      continue;
    }
    if (long_name) entry.name = std::move(*long_name);
    if (long_link) entry.link = std::move(*long_link);
    current_ = entry.name;
    if (flag == 'S') TSB_TRY(ReadOldSparse(block, &entry));
    TSB_TRY(ApplyRecords(records, &entry));
    if (entry.name.find('\0') != std::string::npos || entry.link.find('\0') != std::string::npos) {
      return BadHeader("a name with a NUL byte");
    }
    // V7 archives know no directories but by the slash.
    if (entry.type == TarEntry::Type::kFile && entry.name.ends_with('/')) entry.type = TarEntry::Type::kDirectory;
    if (entry.type != TarEntry::Type::kFile) {
      // Some writers put the file's size on links; no content follows.
      remaining_ = padding_ = entry.size = 0;
    }
    if (entry.sparse) TSB_TRY(CheckSparse(entry));
    current_ = entry.name;
    return std::optional<TarEntry>(std::move(entry));
  }
}

Status TarReader::ParseRecords(std::string_view text, Records* records) {
  while (!text.empty()) {
    size_t space = text.find(' ');
    auto length = ParseDecimal<size_t>(text.substr(0, std::min(space, text.size())));
    if (space == std::string_view::npos || !length || *length > text.size() || *length < space + 3 ||
        text[*length - 1] != '\n') {
      return BadHeader("a PAX record has a wrong length");
    }
    std::string_view record = text.substr(space + 1, *length - space - 2);
    text.remove_prefix(*length);
    size_t equals = record.find('=');
    if (equals == std::string_view::npos || equals == 0) return BadHeader("a PAX record without a name");
    records->emplace_back(record.substr(0, equals), record.substr(equals + 1));
  }
  return Unit{};
}

Status TarReader::ApplyRecords(const Records& records, TarEntry* entry) {
  bool sparse_1_0 = false;
  std::optional<uint64_t> sparse_offset;
  auto number = [this](const std::string& text, uint64_t* out) -> Status {
    auto value = ParseDecimal<uint64_t>(text);
    if (!value || *value > static_cast<uint64_t>(INT64_MAX)) return BadHeader("a PAX record is not a number");
    *out = *value;
    return Unit{};
  };
  for (const auto& [key, value] : records) {
    if (key == "path") {
      entry->name = value;
    } else if (key == "linkpath") {
      entry->link = value;
    } else if (key == "size") {
      TSB_TRY(number(value, &entry->size));
      ExpectContent(entry->size);
    } else if (key == "uid") {
      TSB_TRY(number(value, &entry->uid));
    } else if (key == "gid") {
      TSB_TRY(number(value, &entry->gid));
    } else if (key == "mtime") {
      auto time = ParseTime(value);
      if (!time) return BadHeader("mtime is not a time");
      entry->mtime = *time;
    } else if (key.starts_with("SCHILY.xattr.")) {
      std::string name = key.substr(strlen("SCHILY.xattr."));
      std::erase_if(entry->xattrs, [&name](const Xattr& xattr) { return xattr.name == name; });
      if (entry->xattrs.size() >= kMaxXattrs) return BadHeader("more than " + std::to_string(kMaxXattrs) + " attributes");
      entry->xattrs.push_back({std::move(name), value});
    } else if (key == "GNU.sparse.major") {
      sparse_1_0 = value == "1";
    } else if (key == "GNU.sparse.name") {
      entry->name = value;
    } else if (key == "GNU.sparse.realsize" || key == "GNU.sparse.size") {
      TSB_TRY(number(value, &entry->real_size));
      entry->sparse = true;
    } else if (key == "GNU.sparse.offset") {
      uint64_t offset = 0;
      TSB_TRY(number(value, &offset));
      sparse_offset = offset;
    } else if (key == "GNU.sparse.numbytes") {
      uint64_t size = 0;
      TSB_TRY(number(value, &size));
      if (!sparse_offset) return BadHeader("a sparse map out of order");
      entry->extents.push_back({*sparse_offset, size});
    } else if (key == "GNU.sparse.map") {
      std::string_view rest = value;
      std::optional<uint64_t> offset;
      while (!rest.empty()) {
        size_t comma = std::min(rest.find(','), rest.size());
        uint64_t part = 0;
        TSB_TRY(number(std::string(rest.substr(0, comma)), &part));
        rest.remove_prefix(std::min(comma + 1, rest.size()));
        if (offset) entry->extents.push_back({*offset, part});
        offset = offset ? std::nullopt : std::optional<uint64_t>(part);
      }
      if (offset) return BadHeader("a sparse map of odd length");
    }
  }
  if (entry->sparse && sparse_1_0) TSB_TRY(ReadSparseMap(entry));
  return Unit{};
}

// GNU's own format of old: four extents in the header, twenty-one in each block that may follow.
Status TarReader::ReadOldSparse(const char* block, TarEntry* entry) {
  auto take = [&](const char* from, size_t count) -> Status {
    for (size_t i = 0; i < count; i++) {
      auto offset = ParseTarNumber(from + i * 24, 12);
      auto size = ParseTarNumber(from + i * 24 + 12, 12);
      if (!offset || !size || *offset < 0 || *size < 0) return BadHeader("bad sparse map");
      if (*offset == 0 && *size == 0) continue;
      entry->extents.push_back({static_cast<uint64_t>(*offset), static_cast<uint64_t>(*size)});
    }
    return Unit{};
  };
  auto real_size = ParseTarNumber(block + kSparseRealSize, 12);
  if (!real_size || *real_size < 0) return BadHeader("bad sparse size");
  entry->sparse = true;
  entry->real_size = static_cast<uint64_t>(*real_size);
  TSB_TRY(take(block + kSparseStart, 4));
  bool more = block[kSparseExtended] != 0;
  while (more) {
    char extension[kTarBlock];
    TSB_TRY(ReadExactly(extension, kTarBlock));
    TSB_TRY(take(extension, 21));
    if (entry->extents.size() > kMaxExtents) return BadHeader("a sparse map without end");
    more = extension[kContinuationExtended] != 0;
  }
  return Unit{};
}

// PAX sparse 1.0: the map stands before the content, as decimal lines that fill whole blocks.
Status TarReader::ReadSparseMap(TarEntry* entry) {
  std::string pending;
  auto next_number = [&](uint64_t* out) -> Status {
    for (;;) {
      size_t newline = pending.find('\n');
      if (newline != std::string::npos) {
        auto value = ParseDecimal<uint64_t>(std::string_view(pending).substr(0, newline));
        if (!value) return BadHeader("bad sparse map");
        *out = *value;
        pending.erase(0, newline + 1);
        return Unit{};
      }
      if (pending.size() > 32 || remaining_ < kTarBlock) return BadHeader("bad sparse map");
      char block[kTarBlock];
      TSB_TRY(ReadExactly(block, kTarBlock));
      remaining_ -= kTarBlock;
      entry->size -= kTarBlock;
      pending.append(block, kTarBlock);
    }
  };
  uint64_t count = 0;
  TSB_TRY(next_number(&count));
  if (count > kMaxExtents) return BadHeader("a sparse map without end");
  entry->extents.clear();
  for (uint64_t i = 0; i < count; i++) {
    TarEntry::Extent extent{};
    TSB_TRY(next_number(&extent.offset));
    TSB_TRY(next_number(&extent.size));
    entry->extents.push_back(extent);
  }
  return Unit{};
}

Status TarReader::CheckSparse(const TarEntry& entry) const {
  uint64_t end = 0;
  uint64_t total = 0;
  if (entry.real_size > kMaxSparseSize) return BadHeader("a sparse file of " + std::to_string(entry.real_size) + " bytes");
  for (const TarEntry::Extent& extent : entry.extents) {
    bool fits = extent.offset >= end && extent.offset <= entry.real_size && extent.size <= entry.real_size - extent.offset;
    if (!fits) return BadHeader("a sparse map that does not fit its file");
    end = extent.offset + extent.size;
    total += extent.size;
  }
  if (total != entry.size) return BadHeader("a sparse map that does not fit its content");
  return Unit{};
}

}  // namespace tsbuild
