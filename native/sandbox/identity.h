#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"

namespace tsbuild {

struct Identity {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  // begins with gid
  std::string home = "/";
};

// Who `user` is in this image: `name`, `uid`, `name:group`, `uid:gid`, … looked up in the image's own /etc/passwd and
// /etc/group by docker's rules (moby/sys/user):
//  - digits are always an id, and an id need not be in the files (an unknown uid has group 0);
//  - with a group given there are no supplementary groups; otherwise those whose member list names the user;
//  - empty is the superuser, with the supplementary groups of uid 0;
//  - the first line that matches counts, and a malformed number reads as 0.
Result<Identity> ResolveIdentity(int root, const std::string& user);

}  // namespace tsbuild
