#pragma once

#include <napi.h>

namespace tsbuild::node {

// packLayer, packTree, unpackLayer, surveyTree, packPart, unpackPart, exchangePaths.
void RegisterLayers(Napi::Env env, Napi::Object exports);

}  // namespace tsbuild::node
