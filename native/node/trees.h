#pragma once

#include <napi.h>

namespace tsbuild::node {

// hashTree, changeTree, removeTree, measureTree, syncFileSystem, lockFile.
void RegisterTrees(Napi::Env env, Napi::Object exports);

}  // namespace tsbuild::node
