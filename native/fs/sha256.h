#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

struct evp_md_ctx_st;

namespace tsbuild {

using Sha256Bytes = std::array<uint8_t, 32>;

// SHA-256 by the OpenSSL that Node carries and exports, which uses the processor's own instructions.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void Update(const void* data, size_t size);
  // Ends the digest; the object starts afresh.
  Sha256Bytes Finish();

 private:
  evp_md_ctx_st* context_;
};

// "sha256:<hex>"
std::string FormatDigest(const Sha256Bytes& bytes);

}  // namespace tsbuild
