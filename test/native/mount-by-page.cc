// Mounts an overlay through mount(2), as kernels before 6.7 need it, in a mount namespace of its own, and becomes a program that
// can look at it: mount-by-page <target> <upper or -> <work> <lower>... -- <program> [arguments]

#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "mount/overlay.h"
#include "mount/private_namespace.h"

int main(int count, char** words) {
  tsbuild::RootMount root;
  if (strcmp(words[2], "-") != 0) {
    root.upper = words[2];
    root.work = words[3];
  }
  int at = 4;
  for (; at < count && strcmp(words[at], "--") != 0; at++) root.lowers.push_back(words[at]);
  auto status = tsbuild::EnterPrivateMountNamespace();
  if (status.ok()) status = tsbuild::MountOverlayByPage(root, words[1], false);
  if (!status.ok()) {
    puts(tsbuild::Describe(status.error()).c_str());
    return 1;
  }
  execvp(words[at + 1], words + at + 1);
  return 127;
}
