#pragma once

#include <cstddef>
#include <cstdint>

namespace tsbuild {

// The bytes of a tables file, mapped or read. They may be anything.
struct TablePages {
  const unsigned char* data = nullptr;
  size_t size = 0;
};

// Whether the pages of the commit `version` are such that LMDB may write to them. It believes what pages say of themselves, and with one that
// lies it writes beside its own memory. Answers nullptr, or what is wrong. Does not look at what records say.
// The form of pages is that of LMDB 0.9 on 64 bits (lmdb's mdb.c: MDB_page, MDB_node, MDB_meta).
const char* CheckPages(TablePages pages, uint64_t version);

}  // namespace tsbuild
