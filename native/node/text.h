#pragma once

#include <napi.h>

namespace tsbuild::node {

void RegisterText(Napi::Env env, Napi::Object exports);

}  // namespace tsbuild::node
