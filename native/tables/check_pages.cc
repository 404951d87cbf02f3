#include "tables/check_pages.h"

#include <cstring>
#include <vector>

namespace tsbuild {

namespace {

constexpr uint64_t kNoRoot = ~0ull;
constexpr size_t kPageHeader = 16;
constexpr size_t kNodeHeader = 8;
constexpr size_t kMaxKey = 511;
constexpr unsigned kMaxDepth = 32;
constexpr uint16_t kBranch = 1, kLeaf = 2, kOverflow = 4;
constexpr uint16_t kBigData = 1;

const char* const kLeadsNowhere = "its pages lead nowhere";
const char* const kContradicts = "its pages contradict each other";
const char* const kShort = "it is shorter than what it holds";

template <typename T>
T Read(const unsigned char* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

// What a meta page says of one tree.
struct Tree {
  uint16_t depth = 0;
  uint64_t root = kNoRoot;
};

class PageCheck {
 public:
  explicit PageCheck(TablePages pages) : pages_(pages) {}

  const char* Run(uint64_t version) {
    const unsigned char* meta = FindMeta(version);
    if (meta == nullptr) return kContradicts;
    count_ = Read<uint64_t>(meta + 136) + 1;
    if (count_ < 2 || count_ > pages_.size / page_size_ + kMaxUnwritten) return kLeadsNowhere;
    seen_.resize(count_);
    seen_[0] = seen_[1] = true;
    for (size_t tree : {88, 40}) {
      holds_free_pages_ = tree == 40;
      depth_ = Read<uint16_t>(meta + tree + 6);
      uint64_t root = Read<uint64_t>(meta + tree + 40);
      if (root == kNoRoot) continue;
      if (const char* wrong = depth_ > kMaxDepth ? kContradicts : Walk(root, 1)) return wrong;
    }
    // A page that is free and in use would be written over.
    for (uint64_t page : free_) {
      if (page < 2 || page >= count_ || seen_[page]) return kContradicts;
      seen_[page] = true;
    }
    return nullptr;
  }

 private:
  // At the end of a sound file there may be free pages that were never written: no more than a commit takes.
  static constexpr uint64_t kMaxUnwritten = 1 << 20;

  const unsigned char* FindMeta(uint64_t version) {
    page_size_ = pages_.size < 2 * 4096 ? 0 : Read<uint32_t>(pages_.data + 40);
    if (page_size_ < 512 || page_size_ > 65536 || pages_.size < 2 * page_size_) return nullptr;
    for (size_t i : {0, 1}) {
      const unsigned char* meta = pages_.data + i * page_size_;
      if (Read<uint32_t>(meta + kPageHeader) == 0xbeefc0de && Read<uint64_t>(meta + 144) == version) return meta;
    }
    return nullptr;
  }

  // Marks `count` pages as met; each is met once.
  const char* Meet(uint64_t first, uint64_t count) {
    if (first < 2 || first >= count_ || count > count_ - first) return kLeadsNowhere;
    if ((first + count) * page_size_ > pages_.size) return kShort;
    for (uint64_t page = first; page < first + count; page++) {
      if (seen_[page]) return kContradicts;
      seen_[page] = true;
    }
    return nullptr;
  }

  const char* Walk(uint64_t number, unsigned level) {
    if (const char* wrong = Meet(number, 1)) return wrong;
    const unsigned char* page = pages_.data + number * page_size_;
    bool is_leaf = level == depth_;
    if (level > depth_ || Read<uint64_t>(page) != number || Read<uint16_t>(page + 10) != (is_leaf ? kLeaf : kBranch)) return kContradicts;
    size_t lower = Read<uint16_t>(page + 12), upper = Read<uint16_t>(page + 14);
    if (lower < kPageHeader || lower % 2 != 0 || lower > upper || upper > page_size_) return kContradicts;
    size_t keys = (lower - kPageHeader) / 2;
    if (keys < (is_leaf ? 1 : 2)) return kContradicts;
    for (size_t i = 0; i < keys; i++) {
      size_t at = Read<uint16_t>(page + kPageHeader + 2 * i);
      if (at < upper || at % 2 != 0 || at + kNodeHeader > page_size_) return kContradicts;
      size_t key = Read<uint16_t>(page + at + 6);
      if (key > kMaxKey || at + kNodeHeader + key > page_size_) return kContradicts;
      const char* wrong = is_leaf ? LookAtValue(page, at, key)
                                  : Walk(Read<uint32_t>(page + at) | uint64_t{Read<uint16_t>(page + at + 4)} << 32, level + 1);
      if (wrong != nullptr) return wrong;
    }
    return nullptr;
  }

  const char* LookAtValue(const unsigned char* page, size_t at, size_t key) {
    uint64_t size = Read<uint32_t>(page + at);
    uint16_t flags = Read<uint16_t>(page + at + 4);
    size_t begin = at + kNodeHeader + key;
    if (flags != 0 && flags != kBigData) return kContradicts;
    if (begin + (flags == kBigData ? sizeof(uint64_t) : size) > page_size_) return kContradicts;
    const unsigned char* value = page + begin;
    if (flags == kBigData) {
      uint64_t first = Read<uint64_t>(value);
      uint64_t count = (kPageHeader + size + page_size_ - 1) / page_size_;
      if (const char* wrong = Meet(first, count)) return wrong;
      const unsigned char* big = pages_.data + first * page_size_;
      if (Read<uint64_t>(big) != first || Read<uint16_t>(big + 10) != kOverflow || Read<uint32_t>(big + 12) != count) return kContradicts;
      value = big + kPageHeader;
    }
    return holds_free_pages_ ? NoteFree(value, size) : nullptr;
  }

  // A record of the other tree: how many pages a commit let go of, and which.
  const char* NoteFree(const unsigned char* list, uint64_t size) {
    if (size < sizeof(uint64_t)) return kContradicts;
    uint64_t count = Read<uint64_t>(list);
    if (count > size / sizeof(uint64_t) - 1) return kContradicts;
    for (uint64_t i = 1; i <= count; i++) free_.push_back(Read<uint64_t>(list + i * sizeof(uint64_t)));
    return nullptr;
  }

  TablePages pages_;
  size_t page_size_ = 0;
  uint64_t count_ = 0;
  unsigned depth_ = 0;
  bool holds_free_pages_ = false;
  std::vector<bool> seen_;
  std::vector<uint64_t> free_;
};

}  // namespace

const char* CheckPages(TablePages pages, uint64_t version) { return PageCheck(pages).Run(version); }

}  // namespace tsbuild
