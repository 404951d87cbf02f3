#pragma once

#include "mount/root_mount.h"
#include "node/convert.h"

namespace tsbuild::node {

inline RootMount ReadRootMount(const Napi::Object& object) {
  return {ReadStrings(object, "lowers"), ReadString(object, "upper"), ReadString(object, "work")};
}

// Counts of bytes and files: a double holds them exactly up to 8 PiB.
inline Napi::Value Number(Napi::Env env, uint64_t value) { return Napi::Number::New(env, static_cast<double>(value)); }

}  // namespace tsbuild::node
