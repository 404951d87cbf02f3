#pragma once

#include <napi.h>

namespace tsbuild::node {

// openTables.
void RegisterTables(Napi::Env env, Napi::Object exports);

}  // namespace tsbuild::node
