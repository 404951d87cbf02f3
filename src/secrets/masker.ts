import { PatternAutomaton, ROOT } from './automaton.ts';

/** What stands for a value in a log. */
const MASK = Buffer.from('***');

/** Shorter values stand in every log by chance: to mask them would tell where they are rather than hide them. */
const MIN_VALUE_BYTES = 4;

/** A line of a value is masked by itself too, but for short ones (`{`, `}`, `true`). */
const MIN_LINE_BYTES = 8;

/** Replaces values in a stream of bytes, also where one comes in pieces. */
export interface Masker {
  /** What can be shown of the stream so far: all but an end that may be the beginning of a value. */
  push(chunk: Uint8Array): Buffer;
  /** The rest, at the end of the stream. */
  end(): Buffer;
}

/** `undefined` when there is nothing to mask. Occurrences that overlap are masked as one, and so are those that the beginning of another spans. */
export function createMasker(values: Iterable<Uint8Array>): Masker | undefined {
  const patterns = listPatterns(values);
  if (patterns.length === 0) return undefined;
  const automaton = new PatternAutomaton(patterns);
  let held: Buffer = Buffer.alloc(0);
  /** How far the automaton has read `held`, which is to its end. */
  let state = ROOT;
  /** What is to be masked of `held`: its beginning, up to here. */
  let masked = 0;

  const pass = (data: Buffer, from: number): Buffer => {
    const shown: Buffer[] = [];
    /** All before is shown. */
    let start = 0;
    for (let at = from; at < data.length; at++) {
      if (state === ROOT) {
        at = automaton.findStart(data, at);
        if (at === data.length) break;
      }
      state = automaton.next(state, data[at] ?? 0);
      const length = automaton.matched(state);
      const begin = at + 1 - length;
      // What comes from here on begins here or later: what is masked before it is complete.
      const open = at + 1 - automaton.depth(state);
      if (masked > start && open >= masked) {
        shown.push(MASK);
        start = masked;
      }
      if (length === 0) continue;
      if (masked <= start) {
        shown.push(data.subarray(start, begin));
        start = begin;
      }
      masked = at + 1;
    }
    return finish(shown, data, start);
  };

  /** Shows what is decided and holds the rest back. */
  const finish = (shown: Buffer[], data: Buffer, start: number): Buffer => {
    const open = data.length - automaton.depth(state);
    let end = start;
    if (masked > start && open >= masked) {
      shown.push(MASK);
      end = masked;
    }
    if (masked <= end) {
      shown.push(data.subarray(end, Math.max(end, open)));
      end = Math.max(end, open);
    }
    held = Buffer.from(data.subarray(end));
    masked = Math.max(0, masked - end);
    return Buffer.concat(shown);
  };

  return {
    push: (chunk) => pass(held.length === 0 ? Buffer.from(chunk) : Buffer.concat([held, chunk]), held.length),
    end() {
      state = ROOT;
      return finish([], held, 0);
    },
  };
}

/** The values without white space around them, and each of their lines. */
function listPatterns(values: Iterable<Uint8Array>): Buffer[] {
  const patterns = new Map<string, Buffer>();
  const add = (text: string, min: number): void => {
    const trimmed = trimSpace(text);
    if (trimmed.length >= min) patterns.set(trimmed, Buffer.from(trimmed, 'latin1'));
  };
  for (const value of values) {
    // Byte by byte: a value need not be text.
    const text = Buffer.from(value).toString('latin1');
    add(text, MIN_VALUE_BYTES);
    for (const line of text.split('\n')) add(line, MIN_LINE_BYTES);
  }
  return [...patterns.values()];
}

/** Of ASCII only: any other byte may be half a letter. */
function trimSpace(text: string): string {
  const isSpace = (at: number): boolean => ' \t\r\n\v\f'.includes(text.charAt(at));
  let [start, end] = [0, text.length];
  while (start < end && isSpace(start)) start++;
  while (end > start && isSpace(end - 1)) end--;
  return text.slice(start, end);
}
