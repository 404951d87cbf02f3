// Registration only: one line a topic. The functions live in their own rooms, their glue in node/.

#include <napi.h>

#include "node/layers.h"
#include "node/sandbox.h"
#include "node/tables.h"
#include "node/text.h"
#include "node/trees.h"

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  tsbuild::node::RegisterSandbox(env, exports);
  tsbuild::node::RegisterTrees(env, exports);
  tsbuild::node::RegisterLayers(env, exports);
  tsbuild::node::RegisterTables(env, exports);
  tsbuild::node::RegisterText(env, exports);
  return exports;
}

NODE_API_MODULE(tsbuild, Init)
