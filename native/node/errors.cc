#include "node/worker.h"

namespace tsbuild::node {

Napi::Value ToJsError(Napi::Env env, const Error& error) {
  Napi::Error js = Napi::Error::New(env, Describe(error));
  Napi::Object object = js.Value();
  object.Set("name", "NativeError");
  object.Set("code", error.code.empty() ? ErrnoName(error.error_number) : error.code);
  if (!error.syscall.empty()) object.Set("syscall", error.syscall);
  if (!error.path.empty()) object.Set("path", error.path);
  if (error.error_number != 0) object.Set("errno", error.error_number);
  return object;
}

}  // namespace tsbuild::node
