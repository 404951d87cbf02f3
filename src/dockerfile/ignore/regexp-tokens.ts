import type { CodePointRange, PatternToken } from './tokens.ts';

const MAX = 0x10ffff;
const DIGIT: CodePointRange[] = [[0x30, 0x39]];
const WORD: CodePointRange[] = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
];
const SPACE: CodePointRange[] = [
  [0x09, 0x0a],
  [0x0c, 0x0d],
  [0x20, 0x20],
];
const PERL: Readonly<Record<string, readonly CodePointRange[]>> = { d: DIGIT, w: WORD, s: SPACE };
const POSIX: Readonly<Record<string, readonly CodePointRange[]>> = {
  alnum: [
    [0x30, 0x39],
    [0x41, 0x5a],
    [0x61, 0x7a],
  ],
  alpha: [
    [0x41, 0x5a],
    [0x61, 0x7a],
  ],
  ascii: [[0x00, 0x7f]],
  blank: [
    [0x09, 0x09],
    [0x20, 0x20],
  ],
  cntrl: [
    [0x00, 0x1f],
    [0x7f, 0x7f],
  ],
  digit: DIGIT,
  graph: [[0x21, 0x7e]],
  lower: [[0x61, 0x7a]],
  print: [[0x20, 0x7e]],
  punct: [
    [0x21, 0x2f],
    [0x3a, 0x40],
    [0x5b, 0x60],
    [0x7b, 0x7e],
  ],
  space: [
    [0x09, 0x0d],
    [0x20, 0x20],
  ],
  upper: [[0x41, 0x5a]],
  word: WORD,
  xdigit: [
    [0x30, 0x39],
    [0x41, 0x46],
    [0x61, 0x66],
  ],
};
const CONTROL: Readonly<Record<string, number>> = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 };

/**
 * Reads the part of Go's regular expressions that an ignore pattern can become: literals, escapes, classes, and the
 * fragments one for each of `?`, `*` and the two readings of a double star. Anything Go would refuse is thrown by `fail`.
 */
export function parseRegexpTokens(expression: string, fail: (why: string) => Error): PatternToken[] {
  const chars = Array.from(expression);
  const tokens: PatternToken[] = [];
  let literal = '';
  let at = 0;
  const push = (token: PatternToken): void => {
    if (literal !== '') tokens.push({ type: 'literal', text: literal });
    literal = '';
    tokens.push(token);
  };
  while (at < chars.length) {
    const char = chars[at] ?? '';
    if (char === '(') {
      push({ type: '**' });
      at += '(.*/)?'.length;
    } else if (char === '.') {
      push({ type: '.*' });
      at += '.*'.length;
    } else if (char === '^') {
      push({ type: 'assertion', kind: '^' });
      at++;
    } else if (char === '[') {
      const { negated, ranges, end } = readClass(chars, at, fail);
      const repeated = chars[end] === '*';
      at = repeated ? end + 1 : end;
      const isSlashOnly = negated && ranges.length === 1 && ranges[0]?.[0] === 0x2f && ranges[0][1] === 0x2f;
      if (isSlashOnly) push({ type: repeated ? '*' : '?' });
      else push({ type: 'class', negated, repeated, ranges });
    } else if (char === '\\') {
      const escaped = chars[at + 1] ?? '';
      at += 2;
      const perl = PERL[escaped.toLowerCase()];
      if (escaped === 'b' || escaped === 'B') push({ type: 'assertion', kind: escaped });
      else if (escaped === 'A' || escaped === 'z') push({ type: 'assertion', kind: escaped === 'A' ? '^' : '$' });
      else if (perl !== undefined)
        push({ type: 'class', negated: escaped !== escaped.toLowerCase(), repeated: false, ranges: perl });
      else literal += readEscape(escaped, fail);
    } else {
      literal += char;
      at++;
    }
  }
  if (literal !== '') tokens.push({ type: 'literal', text: literal });
  return tokens;
}

/** What `\` and a character that is no class stand for. */
function readEscape(char: string, fail: (why: string) => Error): string {
  const control = CONTROL[char];
  if (control !== undefined) return String.fromCharCode(control);
  if (/[0-9A-Za-z]/.test(char)) throw fail(`\\${char} is not an escape`);
  return char;
}

interface ClassRead {
  readonly negated: boolean;
  readonly ranges: readonly CodePointRange[];
  /** Index after the closing bracket. */
  readonly end: number;
}

function readClass(chars: readonly string[], start: number, fail: (why: string) => Error): ClassRead {
  let at = start + 1;
  const negated = chars[at] === '^';
  if (negated) at++;
  const ranges: CodePointRange[] = [];
  for (let first = true; first || chars[at] !== ']'; first = false) {
    if (at >= chars.length) throw fail('a [ is never closed');
    const posix = readPosixClass(chars, at, fail);
    if (posix !== undefined) {
      ranges.push(...posix.ranges);
      at = posix.end;
      continue;
    }
    const perl = chars[at] === '\\' ? PERL[(chars[at + 1] ?? '').toLowerCase()] : undefined;
    if (perl !== undefined) {
      ranges.push(...(chars[at + 1] === chars[at + 1]?.toLowerCase() ? perl : invertRanges(perl)));
      at += 2;
      continue;
    }
    const low = readMember(chars, at, fail);
    at = low.end;
    if (chars[at] === '-' && chars[at + 1] !== undefined && chars[at + 1] !== ']') {
      const high = readMember(chars, at + 1, fail);
      if (high.point < low.point) throw fail('a range in [ ] ends before it starts');
      ranges.push([low.point, high.point]);
      at = high.end;
    } else {
      ranges.push([low.point, low.point]);
    }
  }
  return { negated, ranges, end: at + 1 };
}

function readMember(
  chars: readonly string[],
  at: number,
  fail: (why: string) => Error,
): { readonly point: number; readonly end: number } {
  const char = chars[at] ?? '';
  if (char !== '\\') return { point: char.codePointAt(0) ?? 0, end: at + 1 };
  return { point: readEscape(chars[at + 1] ?? '', fail).codePointAt(0) ?? 0, end: at + 2 };
}

/** `[:alpha:]` inside a class. */
function readPosixClass(chars: readonly string[], at: number, fail: (why: string) => Error) {
  if (chars[at] !== '[' || chars[at + 1] !== ':') return undefined;
  const rest = chars.slice(at + 2).join('');
  const close = rest.indexOf(':]');
  if (close < 0) return undefined;
  const name = rest.slice(0, close);
  const inverted = name.startsWith('^');
  const ranges = POSIX[inverted ? name.slice(1) : name];
  if (ranges === undefined) throw fail(`[:${name}:] is not a class`);
  return { ranges: inverted ? invertRanges(ranges) : ranges, end: at + 4 + Array.from(name).length };
}

function invertRanges(ranges: readonly CodePointRange[]): CodePointRange[] {
  const inverted: CodePointRange[] = [];
  let next = 0;
  for (const [low, high] of ranges) {
    if (low > next) inverted.push([next, low - 1]);
    next = high + 1;
  }
  inverted.push([next, MAX]);
  return inverted;
}
