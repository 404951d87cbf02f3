#include "node/text.h"

#include <string_view>

#include "text/prefix_lines.h"

namespace tsbuild::node {

namespace {

// prefixLines(target, at, data, from, end, prefix, begins): the only call that is made for each piece of a log, hence without an object.
Napi::Value CallPrefixLines(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (info.Length() < 7 || !info[0].IsTypedArray() || !info[2].IsTypedArray() || !info[5].IsTypedArray()) {
    Napi::TypeError::New(env, "prefixLines takes three byte arrays").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  Napi::Uint8Array target = info[0].As<Napi::Uint8Array>();
  Napi::Uint8Array data = info[2].As<Napi::Uint8Array>();
  Napi::Uint8Array prefix = info[5].As<Napi::Uint8Array>();
  const size_t at = info[1].ToNumber().Uint32Value();
  const size_t from = info[3].ToNumber().Uint32Value();
  const size_t end = info[4].ToNumber().Uint32Value();
  const bool fits = from <= end && end <= data.ByteLength() && at <= target.ByteLength() &&
                    (end - from) * (1 + prefix.ByteLength()) <= target.ByteLength() - at;
  if (!fits) {
    Napi::RangeError::New(env, "prefixLines has no room").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  const std::string_view text(reinterpret_cast<const char*>(data.Data()) + from, end - from);
  const std::string_view before(reinterpret_cast<const char*>(prefix.Data()), prefix.ByteLength());
  char* out = reinterpret_cast<char*>(target.Data()) + at;
  return Napi::Number::New(env, static_cast<double>(at + PrefixLines(out, text, before, info[6].ToBoolean())));
}

}  // namespace

void RegisterText(Napi::Env env, Napi::Object exports) {
  exports.Set("prefixLines", Napi::Function::New(env, CallPrefixLines, "prefixLines"));
}

}  // namespace tsbuild::node
