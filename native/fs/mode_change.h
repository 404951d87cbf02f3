#pragma once

#include <sys/types.h>

#include <string_view>
#include <vector>

#include "base/result.h"

namespace tsbuild {

// A symbolic mode as chmod(1) takes it (`u=rwX,go=rX`, `+x`, `g=u`), read as BuildKit's --chmod reads it: as under no umask, and
// by the rules of BSD's setmode(3) where they differ from GNU's.
class ModeChange {
 public:
  // `MODE_INVALID`.
  static Result<ModeChange> Parse(std::string_view text);

  // `mode` has the file's type; the result has none, only permissions, set-id bits and sticky.
  mode_t Apply(mode_t mode) const;

 private:
  enum class Kind { kClear, kSet, kSetIfExecutable, kClearIfExecutable, kCopy };
  struct Step {
    Kind kind;
    mode_t bits;     // changed; of a copy, the classes that take the bits, as all their permissions
    int shift = 0;   // of a copy: where the class lies that gives them
    char op = '=';   // of a copy
  };

  // One operator with what follows it. `who` is 0 where no class is named; sticky joins it when `t` is set.
  Status AddOperation(char op, mode_t who, std::string_view permissions);
  void AddBits(char op, mode_t who, mode_t bits);

  std::vector<Step> steps_;
};

}  // namespace tsbuild
