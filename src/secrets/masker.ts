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

/** `undefined` when there is nothing to mask. */
export function createMasker(values: Iterable<Uint8Array>): Masker | undefined {
  const patterns = listPatterns(values);
  if (patterns.length === 0) return undefined;
  const index = new PatternIndex(patterns);
  let held: Buffer = Buffer.alloc(0);
  const pass = (data: Buffer, isEnd: boolean): Buffer => {
    const shown: Buffer[] = [];
    let start = 0;
    let at = index.findStart(data, 0);
    while (at < data.length) {
      const { length, isOpen } = index.match(data, at);
      if (isOpen && !isEnd) break;
      if (length === 0) {
        at = index.findStart(data, at + 1);
        continue;
      }
      shown.push(data.subarray(start, at), MASK);
      start = at + length;
      at = index.findStart(data, start);
    }
    shown.push(data.subarray(start, at));
    held = Buffer.from(data.subarray(at));
    return Buffer.concat(shown);
  };
  return {
    push: (chunk) => pass(held.length === 0 ? Buffer.from(chunk) : Buffer.concat([held, chunk]), false),
    end: () => pass(held, true),
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

const NO_MATCH = { length: 0, isOpen: false };

/** Of ASCII only: any other byte may be half a letter. */
function trimSpace(text: string): string {
  const isSpace = (at: number): boolean => ' \t\r\n\v\f'.includes(text.charAt(at));
  let [start, end] = [0, text.length];
  while (start < end && isSpace(start)) start++;
  while (end > start && isSpace(end - 1)) end--;
  return text.slice(start, end);
}

/** Finds patterns by how they begin: most bytes of a log begin none, which one look at a table tells. */
class PatternIndex {
  /** In the order of their bytes, so that those with the same beginning stand together, the shortest first. */
  readonly #sorted: readonly Buffer[];
  /** Whether a pattern begins with these two bytes, or with the one. */
  readonly #begins = new Uint8Array(1 << 16);
  readonly #first = new Uint8Array(1 << 8);

  constructor(patterns: readonly Buffer[]) {
    this.#sorted = [...patterns].sort((a, b) => a.compare(b));
    for (const pattern of patterns) {
      this.#begins[pattern.readUInt16BE(0)] = 1;
      this.#first[pattern.readUInt8(0)] = 1;
    }
  }

  /** The first place from `from` on where a pattern may begin, the end of the data if there is none. One tight loop: nearly all bytes are passed here. */
  findStart(data: Buffer, from: number): number {
    const begins = this.#begins;
    const last = data.length - 1;
    if (from > last) return data.length;
    let pair = data[from] ?? 0;
    for (let at = from; at < last; at++) {
      pair = ((pair << 8) | (data[at + 1] ?? 0)) & 0xffff;
      if (begins[pair] === 1) return at;
    }
    return this.#first[data[last] ?? 0] === 1 ? last : data.length;
  }

  /** The longest pattern that stands at `at` (0 for none), and whether one may that is longer than what is there of the data. */
  match(data: Buffer, at: number): { readonly length: number; readonly isOpen: boolean } {
    const left = data.length - at;
    const begins = left === 1 ? this.#first[data.readUInt8(at)] : this.#begins[data.readUInt16BE(at)];
    if (begins === 0) return NO_MATCH;
    let [low, high, length] = [0, this.#sorted.length, 0];
    for (let depth = 0; depth < left; depth++) {
      const byte = data.readUInt8(at + depth);
      low = this.#findFirst(low, high, depth, byte);
      high = this.#findFirst(low, high, depth, byte + 1);
      if (low === high) return { length, isOpen: false };
      if (this.#sorted[low]?.length === depth + 1) {
        length = depth + 1;
        low++;
      }
    }
    return { length, isOpen: low < high };
  }

  /** Of the patterns from `low` on, which are the same up to `depth`, the first whose byte there is `byte` or more. */
  #findFirst(low: number, high: number, depth: number, byte: number): number {
    let [from, to] = [low, high];
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((this.#sorted[middle]?.[depth] ?? 0) < byte) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}
