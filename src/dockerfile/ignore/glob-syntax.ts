/**
 * What Go's filepath.Match would refuse about a pattern that is held against `.`, as moby does to check it; `undefined`: nothing. Only `[`
 * and `\` can be wrong. Match stops at the first part between stars that does not match, and says nothing of what is behind.
 */
export function findGlobError(pattern: string): string | undefined {
  const chars = Array.from(pattern);
  let rest = 1;
  for (let at = 0; at < chars.length; ) {
    while (chars[at] === '*') at++;
    let matches = rest > 0;
    let members = 0;
    while (at < chars.length && chars[at] !== '*') {
      const member = readMember(chars, at);
      if (typeof member === 'string') return member;
      matches &&= member.matchesDot && members === 0;
      members++;
      at = member.end;
    }
    if (members > 0 && !matches) return undefined;
    rest = 0;
  }
  return undefined;
}

interface Member {
  readonly end: number;
  readonly matchesDot: boolean;
}

/** What stands for one character of a path, or what is wrong with it. */
function readMember(chars: readonly string[], at: number): Member | string {
  const char = chars[at];
  if (char === '[') return readClass(chars, at + 1);
  if (char !== '\\') return { end: at + 1, matchesDot: char === '.' || char === '?' };
  if (at + 1 >= chars.length) return 'it ends in a lone \\';
  return { end: at + 2, matchesDot: chars[at + 1] === '.' };
}

function readClass(chars: readonly string[], start: number): Member | string {
  const negated = chars[start] === '^';
  let at = negated ? start + 1 : start;
  let holdsDot = false;
  for (let ranges = 0; ; ranges++) {
    if (chars[at] === ']' && ranges > 0) return { end: at + 1, matchesDot: holdsDot !== negated };
    const low = readClassChar(chars, at);
    if (typeof low === 'string') return low;
    at = low.end;
    let high = low;
    if (chars[at] === '-') {
      const given = readClassChar(chars, at + 1);
      if (typeof given === 'string') return given;
      high = given;
      at = high.end;
    }
    if (low.char <= '.' && '.' <= high.char) holdsDot = true;
  }
}

/** One end of a range of a class, or what is wrong with it. */
function readClassChar(chars: readonly string[], at: number): { readonly char: string; readonly end: number } | string {
  const char = chars[at];
  if (char === undefined) return 'a [ is never closed';
  if (char === '-' || char === ']') return `${char} must be escaped inside [ ]`;
  const end = char === '\\' ? at + 2 : at + 1;
  return end >= chars.length ? 'a [ is never closed' : { char: chars[end - 1] ?? '', end };
}
