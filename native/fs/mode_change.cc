#include "fs/mode_change.h"

#include <sys/stat.h>

#include <string>

namespace tsbuild {

namespace {

constexpr mode_t kExecute = S_IXUSR | S_IXGRP | S_IXOTH;
constexpr mode_t kSetIds = S_ISUID | S_ISGID;
// What `=` clears where no class is named. Sticky is cleared only by who names it.
constexpr mode_t kStandard = kSetIds | 0777;
constexpr mode_t kAll = 07777;

Error InvalidMode(std::string_view text) { return Error::Own("MODE_INVALID", "not a mode: " + std::string(text)); }

mode_t ClassBits(char letter) {
  switch (letter) {
    case 'u':
      return S_ISUID | S_IRWXU;
    case 'g':
      return S_ISGID | S_IRWXG;
    case 'o':
      return S_IRWXO;
    case 'a':
      return kStandard;
    default:
      return 0;
  }
}

}  // namespace

Result<ModeChange> ModeChange::Parse(std::string_view text) {
  ModeChange change;
  std::string_view rest = text;
  for (;;) {
    mode_t who = 0;
    while (!rest.empty() && ClassBits(rest.front()) != 0) {
      who |= ClassBits(rest.front());
      rest.remove_prefix(1);
    }
    bool any = false;
    while (!rest.empty() && rest.front() != ',') {
      char op = rest.front();
      if (op != '+' && op != '-' && op != '=') return InvalidMode(text);
      rest.remove_prefix(1);
      size_t end = std::min(rest.find_first_of("+-=,"), rest.size());
      Status added = change.AddOperation(op, who, rest.substr(0, end));
      if (!added.ok()) return InvalidMode(text);
      rest.remove_prefix(end);
      any = true;
    }
    if (!any) return InvalidMode(text);
    if (rest.empty()) return change;
    rest.remove_prefix(1);
  }
}

Status ModeChange::AddOperation(char op, mode_t who, std::string_view permissions) {
  // Set-id and sticky are not for others.
  const bool only_others = who != 0 && (who & ~static_cast<mode_t>(S_IRWXO)) == 0;
  mode_t bits = 0;
  bool conditional = false;
  bool done = false;
  auto flush = [&]() {
    if (bits != 0) {
      AddBits(op, who, bits);
      done = true;
    }
    bits = 0;
    if (!conditional) return;
    conditional = false;
    mode_t changed = (who != 0 ? who : kAll) & kExecute;
    steps_.push_back({op == '-' ? Kind::kClearIfExecutable : Kind::kSetIfExecutable, changed});
  };
  for (char letter : permissions) {
    switch (letter) {
      case 'r':
        bits |= S_IRUSR | S_IRGRP | S_IROTH;
        break;
      case 'w':
        bits |= S_IWUSR | S_IWGRP | S_IWOTH;
        break;
      case 'x':
        bits |= kExecute;
        break;
      case 'X':
        conditional = true;
        break;
      case 's':
        if (!only_others) bits |= kSetIds;
        break;
      case 't':
        if (only_others) break;
        who |= S_ISVTX;
        bits |= S_ISVTX;
        break;
      case 'u':
      case 'g':
      case 'o': {
        flush();
        mode_t takers = (who != 0 ? who : kAll) & 0777;
        steps_.push_back({Kind::kCopy, takers, letter == 'u' ? 6 : letter == 'g' ? 3 : 0, op});
        done = true;
        break;
      }
      default:
        return InvalidMode(permissions);
    }
  }
  // An `=` that nothing follows takes everything away.
  if (op == '=' && !done && bits == 0) AddBits(op, who, 0);
  flush();
  return Unit{};
}

void ModeChange::AddBits(char op, mode_t who, mode_t bits) {
  if (op == '=') steps_.push_back({Kind::kClear, who != 0 ? who : kStandard});
  steps_.push_back({op == '-' ? Kind::kClear : Kind::kSet, (who != 0 ? who : kAll) & bits});
}

mode_t ModeChange::Apply(mode_t mode) const {
  const bool executable = S_ISDIR(mode) || (mode & kExecute) != 0;
  mode_t now = mode & kAll;
  for (const Step& step : steps_) {
    switch (step.kind) {
      case Kind::kClear:
        now &= ~step.bits;
        break;
      case Kind::kSet:
        now |= step.bits;
        break;
      case Kind::kSetIfExecutable:
        if (executable) now |= step.bits;
        break;
      case Kind::kClearIfExecutable:
        if (executable) now &= ~step.bits;
        break;
      case Kind::kCopy: {
        mode_t given = (now >> step.shift) & 07;
        mode_t spread = (given << 6 | given << 3 | given) & step.bits;
        if (step.op == '=') now &= ~step.bits;
        now = step.op == '-' ? now & ~spread : now | spread;
        break;
      }
    }
  }
  return now;
}

}  // namespace tsbuild
