import { formatLogTime } from './units.ts';

/** However small the pieces are that it comes in, no more of them are kept. */
const MAX_CHUNKS = 4096;

interface Chunk {
  readonly data: Uint8Array;
  readonly elapsedMs: number;
}

/** Keeps the end of a step's output as it came; what that costs does not depend on how much comes. */
export class LastOutput {
  readonly #maxBytes: number;
  readonly #chunks: Chunk[] = [];
  /** Chunks before this one are let go of; removed from the array now and then. */
  #first = 0;
  #kept = 0;
  #total = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** All that ever came. */
  get total(): number {
    return this.#total;
  }

  /** Takes output that came `elapsedMs` after the step's start, and keeps the buffer. */
  push(data: Uint8Array, elapsedMs: number): void {
    this.#chunks.push({ data, elapsedMs });
    this.#kept += data.length;
    this.#total += data.length;
    for (;;) {
      const oldest = this.#chunks[this.#first];
      if (oldest === undefined || this.#first + 1 === this.#chunks.length) break;
      const few = this.#chunks.length - this.#first <= MAX_CHUNKS;
      if (few && this.#kept - oldest.data.length < this.#maxBytes) break;
      this.#kept -= oldest.data.length;
      this.#first++;
    }
    if (this.#first < 1024 && this.#first * 2 < this.#chunks.length) return;
    this.#chunks.splice(0, this.#first);
    this.#first = 0;
  }

  /** The last `count` lines as Latin-1, each behind the time at which it began, in a few characters; of a line no more than `length`. */
  lines(count: number, length: number): string[] {
    const lines: { time: string; text: string }[] = [];
    let open: { time: string; text: string } | undefined;
    for (const { data, elapsedMs } of this.#tail()) {
      const time = formatLogTime(elapsedMs);
      const parts = latin1(data).split('\n');
      for (const [index, part] of parts.entries()) {
        if (index === parts.length - 1 && part === '') break;
        open ??= { time, text: '' };
        open.text = (open.text + part).slice(-length);
        if (index === parts.length - 1) break;
        lines.push(open);
        open = undefined;
        if (lines.length > count) lines.shift();
      }
    }
    if (open !== undefined) lines.push(open);
    return lines.slice(-count).map(({ time, text }) => `${time} ${lastPainted(text)}`);
  }

  /** The end of it, no more than what is kept of it anyhow. */
  bytes(): Buffer {
    return Buffer.concat(this.#tail().map(({ data }) => data));
  }

  #tail(): readonly Chunk[] {
    const chunks = this.#chunks.slice(this.#first);
    const [oldest] = chunks;
    const excess = this.#kept - this.#maxBytes;
    if (oldest !== undefined && excess > 0) chunks[0] = { ...oldest, data: oldest.data.subarray(excess) };
    return chunks;
  }
}

/** A carriage return repaints a line: what it says in the end. */
function lastPainted(text: string): string {
  const line = text.replace(/\r+$/, '');
  return line.slice(line.lastIndexOf('\r') + 1);
}

function latin1(data: Uint8Array): string {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('latin1');
}
