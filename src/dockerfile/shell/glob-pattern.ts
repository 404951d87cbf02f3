/** Part of a value, in UTF-16 code units; the end is exclusive. */
export interface GlobMatch {
  readonly start: number;
  readonly end: number;
}

/** What stands for `?` in a run of characters. */
const ANY = undefined;

/** The characters between two stars. */
type Run = readonly (string | typeof ANY)[];

/**
 * A pattern of `*` and `?`, neither of which stands for a line feed. It is matched run by run without ever going back: on one line, where
 * the earliest place of a run will not do for what follows, no later one will. So hostile patterns cost no more than length times length.
 */
export class GlobPattern {
  /** One more than there are stars. */
  readonly #runs: readonly Run[];

  /** Throws a plain Error on a bad escape. */
  constructor(pattern: string) {
    this.#runs = parseRuns(pattern);
  }

  /** Where a match ends that begins with the value; the shortest, or the longest. */
  matchStart(value: string, greedy: boolean): number | undefined {
    const end = matchRun(this.#runs[0] ?? [], value, 0);
    return end === undefined ? undefined : this.#matchRest(value, end, greedy);
  }

  /** From left to right, each as long as possible. */
  *findAll(value: string): Generator<GlobMatch> {
    const first = this.#runs[0] ?? [];
    // No match begins that leaves its first run before this.
    let hopelessUntil = 0;
    for (let start = 0; start <= value.length; ) {
      const begun = matchRun(first, value, start);
      const end = begun === undefined || begun < hopelessUntil ? undefined : this.#matchRest(value, begun, true);
      if (end === undefined) {
        if (begun !== undefined && begun >= hopelessUntil) hopelessUntil = endOfLine(value, begun) + 1;
        start += widthAt(value, start);
        continue;
      }
      yield { start, end };
      start = end > start ? end : start + widthAt(value, start);
    }
  }

  /** All runs but the first, from the end of that one on. */
  #matchRest(value: string, from: number, greedy: boolean): number | undefined {
    let end: number | undefined = from;
    for (let index = 1; index < this.#runs.length && end !== undefined; index++) {
      const run = this.#runs[index] ?? [];
      const isLast = index === this.#runs.length - 1;
      end = isLast && greedy ? findLast(run, value, end) : findFirst(run, value, end);
    }
    return end;
  }
}

/** The end of a run's first place behind a star at `from`. */
function findFirst(run: Run, value: string, from: number): number | undefined {
  for (let at = from; ; at += widthAt(value, at)) {
    const end = matchRun(run, value, at);
    if (end !== undefined || at >= value.length || value[at] === '\n') return end;
  }
}

/** The end of a run's last place behind a star at `from`. */
function findLast(run: Run, value: string, from: number): number | undefined {
  for (let at = endOfLine(value, from); at >= from; at--) {
    if (at > from && isInsidePair(value, at)) continue;
    const end = matchRun(run, value, at);
    if (end !== undefined) return end;
  }
  return undefined;
}

function matchRun(run: Run, value: string, from: number): number | undefined {
  let at = from;
  for (const char of run) {
    if (char !== ANY) {
      if (!value.startsWith(char, at)) return undefined;
      at += char.length;
      continue;
    }
    if (at >= value.length || value[at] === '\n') return undefined;
    at += widthAt(value, at);
  }
  return at;
}

function endOfLine(value: string, from: number): number {
  const end = value.indexOf('\n', from);
  return end < 0 ? value.length : end;
}

/** Of the character that begins there; 1 at the end. */
function widthAt(value: string, at: number): number {
  return isInsidePair(value, at + 1) ? 2 : 1;
}

/** Whether the second half of a character stands there. */
function isInsidePair(value: string, at: number): boolean {
  return (value.codePointAt(at - 1) ?? 0) > 0xff_ff;
}

function parseRuns(pattern: string): readonly Run[] {
  const runs: (string | typeof ANY)[][] = [[]];
  const chars = Array.from(pattern);
  for (let at = 0; at < chars.length; at++) {
    let char = chars[at] ?? '';
    if (char === '*') {
      runs.push([]);
      continue;
    }
    if (char === '\\') {
      char = chars[++at] ?? '';
      // A closing brace and a slash had to be escaped to get here; the escape is no part of the pattern.
      if (!['}', '/', '*', '?', '\\'].includes(char)) throw new Error(`invalid escape \\${char} in pattern ${pattern}`);
      runs.at(-1)?.push(char);
      continue;
    }
    runs.at(-1)?.push(char === '?' ? ANY : char);
  }
  return runs;
}
