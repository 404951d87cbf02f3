#include "fs/patterns.h"

#include <charconv>
#include <optional>

#include "fs/utf8.h"

namespace tsbuild {

namespace {

Error BadProgram(std::string_view field) {
  return Error::Own("PATTERN_PROGRAM_INVALID", "not an ignore program: " + std::string(field));
}

std::optional<uint32_t> ParseHex(std::string_view text) {
  uint32_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

bool IsWordCharacter(uint32_t c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

}  // namespace

// A path as characters, with the byte at which each begins (and one more: the end).
struct PatternProgram::Text {
  std::string_view bytes;
  std::vector<uint32_t> characters;
  std::vector<size_t> offsets;

  explicit Text(std::string_view path) : bytes(path) {
    characters.reserve(path.size());
    offsets.reserve(path.size() + 1);
    for (size_t at = 0; at < path.size();) {
      offsets.push_back(at);
      characters.push_back(DecodeUtf8(path, &at));
    }
    offsets.push_back(path.size());
  }
};

Result<PatternProgram> PatternProgram::Parse(std::string_view program) {
  PatternProgram out;
  if (program.empty()) return out;
  for (std::string_view line : Split(program, '\n')) {
    std::vector<std::string_view> fields = Split(line, '\x1f');
    if (fields[0] != "+" && fields[0] != "!") return BadProgram(line);
    Pattern pattern;
    pattern.negated = fields[0] == "!";
    out.has_negations_ = out.has_negations_ || pattern.negated;
    for (size_t i = 1; i < fields.size(); i++) {
      auto token = ParseToken(fields[i]);
      if (!token.ok()) return token.error();
      pattern.tokens.push_back(std::move(*token));
    }
    out.patterns_.push_back(std::move(pattern));
  }
  return out;
}

Result<PatternProgram::Token> PatternProgram::ParseToken(std::string_view field) {
  using Kind = Token::Kind;
  Token token{};
  if (field == "?") {
    token.kind = Kind::kOne;
  } else if (field == "*") {
    token.kind = Kind::kStar;
  } else if (field == ".*") {
    token.kind = Kind::kDotStar;
  } else if (field == "**") {
    token.kind = Kind::kDoubleStar;
  } else if (field == ">") {
    token.kind = Kind::kAny;
  } else if (field == ">/") {
    token.kind = Kind::kAnyDirectory;
  } else if (field.size() == 2 && field[0] == '@') {
    token.kind = Kind::kAssertion;
    token.assertion = field[1];
  } else if (!field.empty() && field[0] == 'L') {
    token.kind = Kind::kLiteral;
    for (size_t i = 1; i < field.size(); i++) {
      if (field[i] != '\\') {
        token.literal.push_back(field[i]);
        continue;
      }
      auto byte = ParseHex(field.substr(i + 1, 2));
      if (!byte || i + 2 >= field.size()) return BadProgram(field);
      token.literal.push_back(static_cast<char>(*byte));
      i += 2;
    }
  } else if (field.size() >= 2 && field[0] == '[') {
    token.kind = Kind::kClass;
    size_t close = field.rfind(']');
    if (close == std::string_view::npos) return BadProgram(field);
    token.repeated = field.substr(close + 1) == "*";
    std::string_view ranges = field.substr(1, close - 1);
    if (ranges.starts_with('^')) {
      token.negated = true;
      ranges.remove_prefix(1);
    }
    if (!ranges.empty()) {
      for (std::string_view range : Split(ranges, ',')) {
        size_t dash = range.find('-');
        auto low = ParseHex(range.substr(0, dash));
        auto high = dash == std::string_view::npos ? low : ParseHex(range.substr(dash + 1));
        if (!low || !high) return BadProgram(field);
        token.ranges.push_back({*low, *high});
      }
    }
  } else {
    return BadProgram(field);
  }
  return token;
}

// All positions that can be reached are carried from token to token: no backtracking, so no pattern is slow.
bool PatternProgram::Matches(const Pattern& pattern, const Text& text, bool prefix) {
  using Kind = Token::Kind;
  if (pattern.tokens.size() == 1 && pattern.tokens[0].kind == Kind::kLiteral) {
    const std::string& literal = pattern.tokens[0].literal;
    return prefix ? literal.starts_with(text.bytes) : literal == text.bytes;
  }
  const std::vector<uint32_t>& chars = text.characters;
  const size_t length = chars.size();
  std::vector<char> reach(length + 1, 0);
  std::vector<char> next(length + 1, 0);
  reach[0] = 1;
  for (const Token& token : pattern.tokens) {
    if (prefix && reach[length]) return true;
    std::fill(next.begin(), next.end(), 0);
    bool any = false;
    auto in_class = [&token](uint32_t c) {
      bool found = false;
      for (const Range& range : token.ranges) found = found || (c >= range.low && c <= range.high);
      return found != token.negated;
    };
    // Zero or more of the characters that `allowed` takes.
    auto repeat = [&](auto allowed) {
      bool open = false;
      for (size_t i = 0; i <= length; i++) {
        if (i > 0 && open && !allowed(chars[i - 1])) open = false;
        open = open || reach[i];
        next[i] = open;
      }
    };
    // Nothing, or a run of such characters that ends with a slash.
    auto directories = [&](auto allowed) {
      bool open = false;
      for (size_t i = 0; i <= length; i++) {
        if (i > 0) {
          if (open && chars[i - 1] == '/') next[i] = 1;
          if (open && !allowed(chars[i - 1])) open = false;
        }
        if (reach[i]) {
          next[i] = 1;
          open = true;
        }
      }
    };
    auto not_slash = [](uint32_t c) { return c != '/'; };
    auto not_newline = [](uint32_t c) { return c != '\n'; };
    auto anything = [](uint32_t) { return true; };
    switch (token.kind) {
      case Kind::kLiteral: {
        for (size_t i = 0; i <= length; i++) {
          if (prefix && reach[i] && token.literal.starts_with(text.bytes.substr(text.offsets[i]))) return true;
          if (!reach[i] || text.bytes.compare(text.offsets[i], token.literal.size(), token.literal) != 0) continue;
          size_t end = text.offsets[i] + token.literal.size();
          size_t j = i;
          while (j < length && text.offsets[j] < end) j++;
          if (text.offsets[j] == end) next[j] = 1;
        }
        break;
      }
      case Kind::kOne:
        for (size_t i = 0; i < length; i++) next[i + 1] = reach[i] && chars[i] != '/';
        break;
      case Kind::kStar:
        repeat(not_slash);
        break;
      case Kind::kDotStar:
        repeat(not_newline);
        break;
      case Kind::kAny:
        repeat(anything);
        break;
      case Kind::kDoubleStar:
        directories(not_newline);
        break;
      case Kind::kAnyDirectory:
        directories(anything);
        break;
      case Kind::kClass:
        if (token.repeated) {
          repeat(in_class);
        } else {
          for (size_t i = 0; i < length; i++) next[i + 1] = reach[i] && in_class(chars[i]);
        }
        break;
      case Kind::kAssertion:
        for (size_t i = 0; i <= length; i++) {
          if (!reach[i]) continue;
          bool before = i > 0 && IsWordCharacter(chars[i - 1]);
          bool after = i < length && IsWordCharacter(chars[i]);
          bool holds = (token.assertion == '^' && i == 0) || (token.assertion == '$' && i == length) ||
                       (token.assertion == 'b' && before != after) || (token.assertion == 'B' && before == after);
          next[i] = holds;
        }
        break;
    }
    std::swap(reach, next);
    for (char flag : reach) any = any || flag;
    if (!any) return false;
  }
  return reach[length];
}

PatternProgram::Verdict PatternProgram::Judge(std::string_view path, const Carried& parent) const {
  Verdict verdict;
  verdict.carried.assign(patterns_.size(), false);
  std::optional<Text> text;
  for (size_t i = 0; i < patterns_.size(); i++) {
    const Pattern& pattern = patterns_[i];
    bool match = parent[i];
    if (!match) {
      if (pattern.negated != verdict.excluded) continue;  // it could change nothing
      if (!text) text.emplace(path);
      match = Matches(pattern, *text);
    }
    verdict.carried[i] = match;
    if (match) verdict.excluded = !pattern.negated;
  }
  return verdict;
}

PatternProgram::Verdict PatternProgram::JudgeFromRoot(std::string_view path) const {
  Verdict verdict;
  verdict.carried = AtRoot();
  for (size_t at = 0; at < path.size();) {
    size_t slash = std::min(path.find('/', at), path.size());
    verdict = Judge(path.substr(0, slash), verdict.carried);
    at = slash + 1;
  }
  return verdict;
}

PatternProgram::Verdict PatternProgram::JudgeAlone(std::string_view path) const {
  std::vector<Text> texts;
  texts.emplace_back(path);
  for (size_t slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/', slash + 1)) {
    texts.emplace_back(path.substr(0, slash));
  }
  Verdict verdict;
  verdict.carried.assign(patterns_.size(), false);
  for (size_t i = 0; i < patterns_.size(); i++) {
    const Pattern& pattern = patterns_[i];
    if (pattern.negated != verdict.excluded) continue;  // it could change nothing
    for (const Text& text : texts) verdict.carried[i] = verdict.carried[i] || Matches(pattern, text);
    if (verdict.carried[i]) verdict.excluded = !pattern.negated;
  }
  return verdict;
}

bool PatternProgram::MayMatchBelow(std::string_view directory) const {
  std::string inside(directory);
  inside.push_back('/');
  Text text(inside);
  for (const Pattern& pattern : patterns_) {
    if (!pattern.negated && Matches(pattern, text, true)) return true;
  }
  return false;
}

}  // namespace tsbuild
