#pragma once

namespace tsbuild {

// How a machine has its control groups: kHybrid is v1 controllers with an empty v2 tree beside them.
enum class CgroupHierarchy { kNone, kV1, kHybrid, kV2 };

CgroupHierarchy DetectCgroupHierarchy();

}  // namespace tsbuild
