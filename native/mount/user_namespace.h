#pragma once

namespace tsbuild {

// Whether this process lives in a user namespace other than the machine's own: overlay needs `userxattr` there, and
// devices cannot be made.
bool InUserNamespace();

}  // namespace tsbuild
