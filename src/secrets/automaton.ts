/** The state before anything of a pattern was seen. */
export const ROOT = 0;

const NONE = -1;

/**
 * Finds all occurrences of many patterns in one pass, whatever they and the data look like: Aho and Corasick's automaton. A state is
 * the longest end of what was read that a pattern begins with. States are numbers, and what is known of them lies in columns:
 * patterns may have hundreds of thousands of bytes.
 */
export class PatternAutomaton {
  readonly #byte: Uint8Array;
  readonly #firstChild: Int32Array;
  readonly #nextSibling: Int32Array;
  /** The state of the longest proper end of what a state stands for. */
  readonly #fallback: Int32Array;
  readonly #depth: Int32Array;
  /** Bytes of the longest pattern that ends in a state, 0 for none. */
  readonly #longest: Int32Array;
  /** Children of the root by byte: nearly all bytes are looked up there. */
  readonly #beginning = new Int32Array(256);
  /** Whether a pattern begins with these two bytes. */
  readonly #pairs = new Uint8Array(1 << 16);
  #size = 1;

  /** @param patterns of at least two bytes each */
  constructor(patterns: readonly Uint8Array[]) {
    const capacity = 1 + patterns.reduce((sum, { length }) => sum + length, 0);
    this.#byte = new Uint8Array(capacity);
    this.#firstChild = new Int32Array(capacity).fill(NONE);
    this.#nextSibling = new Int32Array(capacity).fill(NONE);
    this.#fallback = new Int32Array(capacity);
    this.#depth = new Int32Array(capacity);
    this.#longest = new Int32Array(capacity);
    for (const pattern of patterns) this.#add(pattern);
    this.#link();
  }

  /** Bytes at the end of what was read that may be the beginning of a pattern. */
  depth(state: number): number {
    return this.#depth[state] ?? 0;
  }

  /** Bytes of the longest pattern that what was read ends with, 0 for none. */
  matched(state: number): number {
    return this.#longest[state] ?? 0;
  }

  next(state: number, byte: number): number {
    for (let at = state; at !== ROOT; at = this.#fallback[at] ?? ROOT) {
      const child = this.#child(at, byte);
      if (child !== NONE) return child;
    }
    return this.#beginning[byte] ?? ROOT;
  }

  /** From the root: the first place from `from` on where a pattern may begin, the end of the data if there is none. */
  findStart(data: Uint8Array, from: number): number {
    const pairs = this.#pairs;
    const last = data.length - 1;
    if (from > last) return data.length;
    let pair = data[from] ?? 0;
    for (let at = from; at < last; at++) {
      pair = ((pair << 8) | (data[at + 1] ?? 0)) & 0xffff;
      if (pairs[pair] === 1) return at;
    }
    return this.#beginning[data[last] ?? 0] === ROOT ? data.length : last;
  }

  #add(pattern: Uint8Array): void {
    let state = ROOT;
    for (const byte of pattern) {
      const known = state === ROOT ? this.#beginning[byte] || NONE : this.#child(state, byte);
      state = known === NONE ? this.#grow(state, byte) : known;
    }
    this.#longest[state] = pattern.length;
    this.#pairs[((pattern[0] ?? 0) << 8) | (pattern[1] ?? 0)] = 1;
  }

  #grow(parent: number, byte: number): number {
    const state = this.#size++;
    this.#byte[state] = byte;
    this.#depth[state] = this.depth(parent) + 1;
    this.#nextSibling[state] = this.#firstChild[parent] ?? NONE;
    this.#firstChild[parent] = state;
    if (parent === ROOT) this.#beginning[byte] = state;
    return state;
  }

  #child(state: number, byte: number): number {
    let child = this.#firstChild[state] ?? NONE;
    while (child !== NONE && this.#byte[child] !== byte) child = this.#nextSibling[child] ?? NONE;
    return child;
  }

  /** Breadth first: a state's fallback is shorter than it, so it is complete when it is asked. */
  #link(): void {
    const queue = new Int32Array(this.#size);
    let end = 1;
    for (let begin = 0; begin < end; begin++) {
      const parent = queue[begin] ?? ROOT;
      for (let child = this.#firstChild[parent] ?? NONE; child !== NONE; child = this.#nextSibling[child] ?? NONE) {
        const fallback = parent === ROOT ? ROOT : this.next(this.#fallback[parent] ?? ROOT, this.#byte[child] ?? 0);
        this.#fallback[child] = fallback;
        if (this.matched(child) === 0) this.#longest[child] = this.matched(fallback);
        queue[end++] = child;
      }
    }
  }
}
