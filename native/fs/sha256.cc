#include "fs/sha256.h"

#include <openssl/evp.h>

namespace tsbuild {

Sha256::Sha256() : context_(EVP_MD_CTX_new()) { EVP_DigestInit_ex(context_, EVP_sha256(), nullptr); }

Sha256::~Sha256() { EVP_MD_CTX_free(context_); }

void Sha256::Update(const void* data, size_t size) { EVP_DigestUpdate(context_, data, size); }

Sha256Bytes Sha256::Finish() {
  Sha256Bytes out{};
  EVP_DigestFinal_ex(context_, out.data(), nullptr);
  // A null type keeps the algorithm that is already fetched: far cheaper than looking it up again.
  EVP_DigestInit_ex(context_, nullptr, nullptr);
  return out;
}

std::string FormatDigest(const Sha256Bytes& bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text = "sha256:";
  text.reserve(7 + 64);
  for (uint8_t byte : bytes) {
    text.push_back(kHex[byte >> 4]);
    text.push_back(kHex[byte & 15]);
  }
  return text;
}

}  // namespace tsbuild
