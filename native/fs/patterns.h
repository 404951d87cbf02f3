#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tsbuild {

// The compiled ignore patterns of src/dockerfile/ignore/compile.ts, which defines the program and the walk.
class PatternProgram {
 public:
  // What a directory hands to its entries: one flag a pattern.
  using Carried = std::vector<bool>;

  static Result<PatternProgram> Parse(std::string_view program);

  bool empty() const { return patterns_.empty(); }
  // Something below an excluded directory may be included again.
  bool has_negations() const { return has_negations_; }
  Carried AtRoot() const { return Carried(patterns_.size(), false); }

  struct Verdict {
    bool excluded = false;
    Carried carried;  // for the entries of `path`, when it is a directory
  };
  // `path` is relative to the root, with no slash at either end.
  Verdict Judge(std::string_view path, const Carried& parent) const;
  // The same from the root: judges every directory on the way.
  Verdict JudgeFromRoot(std::string_view path) const;
  // The same where nothing is known of the directories above: a pattern also matches what lies in a directory that it matches.
  Verdict JudgeAlone(std::string_view path) const;

  // Whether some pattern could match something below a directory that none has matched: false saves a look into it.
  bool MayMatchBelow(std::string_view directory) const;

 private:
  struct Range {
    uint32_t low;
    uint32_t high;
  };
  struct Token {
    enum class Kind { kLiteral, kOne, kStar, kDotStar, kDoubleStar, kAny, kAnyDirectory, kClass, kAssertion } kind;
    std::string literal;
    std::vector<Range> ranges;
    bool negated = false;
    bool repeated = false;
    char assertion = 0;
  };
  struct Pattern {
    bool negated = false;
    std::vector<Token> tokens;
  };
  struct Text;

  static Result<Token> ParseToken(std::string_view field);
  // Where `prefix` is asked for, the whole text may also be what a longer match begins with.
  static bool Matches(const Pattern& pattern, const Text& text, bool prefix = false);

  std::vector<Pattern> patterns_;
  bool has_negations_ = false;
};

}  // namespace tsbuild
