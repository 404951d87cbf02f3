#pragma once

// Reading requests from JS objects. src/native/types.ts is the contract; a field that is absent or of the wrong type
// reads as its zero value, since only our own code calls this.

#include <napi.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tsbuild::node {

std::string ReadString(const Napi::Object& object, const char* key);
// Of a Buffer, or nothing.
std::string ReadBytes(const Napi::Value& value);
std::vector<std::string> ReadByteStrings(const Napi::Object& object, const char* key);
bool ReadBool(const Napi::Object& object, const char* key);
int64_t ReadInt(const Napi::Object& object, const char* key, int64_t fallback = 0);
// Nothing where it is absent or no number.
std::optional<int64_t> ReadOptionalInt(const Napi::Object& object, const char* key);
std::vector<uint32_t> ReadNumbers(const Napi::Object& object, const char* key);
std::vector<std::string> ReadStrings(const Napi::Object& object, const char* key);
// Absent or not an object: an empty one.
Napi::Object ReadObject(const Napi::Object& object, const char* key);
std::vector<Napi::Object> ReadObjects(const Napi::Object& object, const char* key);

}  // namespace tsbuild::node
