#pragma once

#include <string>

namespace tsbuild {

// How a machine has its control groups: kHybrid is v1 controllers with an empty v2 tree beside them.
enum class CgroupHierarchy { kNone, kV1, kHybrid, kV2 };

CgroupHierarchy DetectCgroupHierarchy();

// The path of our own group in a v1 controller's tree, or with an empty name in that of v2; "/" reads as empty.
std::string OwnCgroup(const std::string& controller);

// A file of the kernel's, of which a megabyte at most is taken; empty where it cannot be read.
std::string ReadSmallFile(const std::string& path);

}  // namespace tsbuild
