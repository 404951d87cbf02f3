#include "node/watch.h"

#include "node/root_mount.h"

namespace tsbuild::node {

Napi::Value CreateWatch(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  SharedWatch watch = std::make_shared<JobWatch>();
  Napi::Object out = Napi::Object::New(env);
  out.Set("handle", Napi::External<SharedWatch>::New(env, new SharedWatch(watch),
                                                    [](Napi::Env, SharedWatch* owned) { delete owned; }));
  out.Set("progress", Napi::Function::New(env, [watch](const Napi::CallbackInfo& call) -> Napi::Value {
            Napi::Object progress = Napi::Object::New(call.Env());
            progress.Set("files", Number(call.Env(), watch->files.load()));
            progress.Set("bytes", Number(call.Env(), watch->bytes.load()));
            return progress;
          }));
  out.Set("cancel", Napi::Function::New(env, [watch](const Napi::CallbackInfo& call) {
            watch->cancelled = true;
            return call.Env().Undefined();
          }));
  return out;
}

SharedWatch ReadWatch(const Napi::Object& request) {
  Napi::Value handle = ReadObject(request, "watch").Get("handle");
  return handle.IsExternal() ? *handle.As<Napi::External<SharedWatch>>().Data() : nullptr;
}

}  // namespace tsbuild::node
