// Registration only: one line a topic. The functions live in their own rooms, their glue in node/.

#include <napi.h>

#include "node/sandbox.h"

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  tsbuild::node::RegisterSandbox(env, exports);
  return exports;
}

NODE_API_MODULE(tsbuild, Init)
