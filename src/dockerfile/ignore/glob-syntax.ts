/** What Go's filepath.Match would refuse about a pattern, or `undefined`. Only `[` and `\` can be wrong. */
export function findGlobError(pattern: string): string | undefined {
  const chars = Array.from(pattern);
  let at = 0;
  while (at < chars.length) {
    const char = chars[at++];
    if (char === '\\') {
      if (at >= chars.length) return 'it ends in a lone \\';
      at++;
    } else if (char === '[') {
      if (chars[at] === '^') at++;
      let ranges = 0;
      for (;;) {
        if (chars[at] === ']' && ranges > 0) {
          at++;
          break;
        }
        const low = readClassChar(chars, at);
        if (typeof low === 'string') return low;
        at = low;
        if (chars[at] === '-') {
          const high = readClassChar(chars, at + 1);
          if (typeof high === 'string') return high;
          at = high;
        }
        ranges++;
      }
    }
  }
  return undefined;
}

/** The index after one member of a class, or what is wrong with it. */
function readClassChar(chars: readonly string[], at: number): number | string {
  const char = chars[at];
  if (char === undefined) return 'a [ is never closed';
  if (char === '-' || char === ']') return `${char} must be escaped inside [ ]`;
  const next = char === '\\' ? at + 2 : at + 1;
  return next >= chars.length ? 'a [ is never closed' : next;
}
