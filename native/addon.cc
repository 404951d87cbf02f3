// Registration only: one line a topic. The functions live in their own rooms, their glue in node/.

#include <napi.h>

namespace tsbuild::node {

}  // namespace tsbuild::node

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  return exports;
}

NODE_API_MODULE(tsbuild, Init)
