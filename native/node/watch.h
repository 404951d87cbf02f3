#pragma once

#include "fs/job_watch.h"
#include "node/convert.h"

namespace tsbuild::node {

// A watch for one job, with the methods of src/native/types.ts, JobWatch.
Napi::Value CreateWatch(const Napi::CallbackInfo& info);
// The watch of a request; null where it has none.
SharedWatch ReadWatch(const Napi::Object& request);

}  // namespace tsbuild::node
