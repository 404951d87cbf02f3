#pragma once

#include <napi.h>

namespace tsbuild::node {

// runSandbox(request, onOutput): see src/native/sandbox-types.ts.
void RegisterSandbox(Napi::Env env, Napi::Object exports);

}  // namespace tsbuild::node
