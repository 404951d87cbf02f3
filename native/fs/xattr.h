#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tsbuild {

struct Xattr {
  std::string name;
  std::string value;
};

// Whether an attribute is part of an image: file capabilities and the user's own. Labels of the host (security.selinux)
// and what overlayfs keeps for itself (trusted.overlay.*, user.overlay.*) are not, and are never taken from an archive.
bool IsImageXattr(std::string_view name);

// Whether it gives a program rights that whoever starts it has not.
inline bool IsPrivilegeXattr(std::string_view name) { return name == "security.capability"; }

// The image's attributes of an open file, sorted by name; none where the file system has no xattrs.
// `fd` must not be O_PATH.
Result<std::vector<Xattr>> ReadImageXattrs(int fd, const std::string& path_for_errors);
// The same by path, for what cannot be opened (devices, fifos); a final symlink is not followed.
Result<std::vector<Xattr>> ReadImageXattrsByPath(const std::string& path);

// Those that BuildKit counts when it compares contents: all but the host's own and overlayfs', sorted by name.
Result<std::vector<Xattr>> ReadContentXattrs(int fd, const std::string& path_for_errors);
Result<std::vector<Xattr>> ReadContentXattrsByPath(const std::string& path);

// Sets them. A file system that has no user.* attributes loses those; a capability that cannot be kept is an error.
Status WriteXattrs(int fd, const std::vector<Xattr>& xattrs, const std::string& path_for_errors);
Status WriteXattrsByPath(const std::string& path, const std::vector<Xattr>& xattrs, const std::string& path_for_errors);

// A path that names an entry of an open directory, for the calls that know no directory descriptors.
std::string ProcPath(int directory, std::string_view name);

// Overlayfs' own marks on a directory of an upper layer.
struct OverlayMarks {
  bool opaque = false;
  bool redirected = false;
};
Result<OverlayMarks> ReadOverlayMarks(int fd, const std::string& path_for_errors);

// Marks a directory opaque; as `user.overlay.opaque` where this process has no right to trusted.*.
Status MarkOpaque(int fd, const std::string& path_for_errors);

}  // namespace tsbuild
