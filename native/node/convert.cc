#include "node/convert.h"

namespace tsbuild::node {

std::string ReadString(const Napi::Object& object, const char* key) {
  Napi::Value value = object.Get(key);
  return value.IsString() ? value.As<Napi::String>().Utf8Value() : std::string();
}

std::string ReadBytes(const Napi::Value& value) {
  if (!value.IsBuffer()) return {};
  auto buffer = value.As<Napi::Buffer<char>>();
  return std::string(buffer.Data(), buffer.Length());
}

std::vector<std::string> ReadByteStrings(const Napi::Object& object, const char* key) {
  std::vector<std::string> out;
  Napi::Value value = object.Get(key);
  if (!value.IsArray()) return out;
  Napi::Array array = value.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); i++) out.push_back(ReadBytes(array[i]));
  return out;
}

bool ReadBool(const Napi::Object& object, const char* key) {
  Napi::Value value = object.Get(key);
  return value.IsBoolean() && value.As<Napi::Boolean>().Value();
}

int64_t ReadInt(const Napi::Object& object, const char* key, int64_t fallback) {
  Napi::Value value = object.Get(key);
  return value.IsNumber() ? value.As<Napi::Number>().Int64Value() : fallback;
}

std::optional<int64_t> ReadOptionalInt(const Napi::Object& object, const char* key) {
  if (!object.Get(key).IsNumber()) return std::nullopt;
  return ReadInt(object, key);
}

std::vector<uint32_t> ReadNumbers(const Napi::Object& object, const char* key) {
  std::vector<uint32_t> out;
  Napi::Value value = object.Get(key);
  if (!value.IsArray()) return out;
  Napi::Array array = value.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); i++) {
    Napi::Value item = array[i];
    if (item.IsNumber()) out.push_back(item.As<Napi::Number>().Uint32Value());
  }
  return out;
}

std::vector<std::string> ReadStrings(const Napi::Object& object, const char* key) {
  std::vector<std::string> out;
  Napi::Value value = object.Get(key);
  if (!value.IsArray()) return out;
  Napi::Array array = value.As<Napi::Array>();
  out.reserve(array.Length());
  for (uint32_t i = 0; i < array.Length(); i++) {
    Napi::Value item = array[i];
    if (item.IsString()) out.push_back(item.As<Napi::String>().Utf8Value());
  }
  return out;
}

Napi::Object ReadObject(const Napi::Object& object, const char* key) {
  Napi::Value value = object.Get(key);
  return value.IsObject() ? value.As<Napi::Object>() : Napi::Object::New(object.Env());
}

std::vector<Napi::Object> ReadObjects(const Napi::Object& object, const char* key) {
  std::vector<Napi::Object> out;
  Napi::Value value = object.Get(key);
  if (!value.IsArray()) return out;
  Napi::Array array = value.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); i++) {
    Napi::Value item = array[i];
    if (item.IsObject()) out.push_back(item.As<Napi::Object>());
  }
  return out;
}

}  // namespace tsbuild::node
