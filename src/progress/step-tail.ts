import { type TailLine, TerminalTail } from './terminal-tail.ts';

/** More than any terminal shows of what comes between two repaints. */
const MAX_WAITING_BYTES = 64 * 1024;

/**
 * The last lines of a step for the live display. Output is only looked at when somebody wants to see the lines: of what comes in
 * between, the end; so a talkative step costs no more than a quiet one.
 */
export class StepTail {
  readonly #tail: TerminalTail;
  #waiting: { readonly data: Uint8Array; readonly elapsedMs: number }[] = [];
  #waitingBytes = 0;
  #bytes = 0;

  constructor(maxLines: number) {
    this.#tail = new TerminalTail(maxLines);
  }

  /** All that was ever written. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether there was more than the lines. */
  get dropped(): boolean {
    return this.#tail.dropped;
  }

  append(data: Uint8Array, elapsedMs: number): void {
    this.#bytes += data.byteLength;
    this.#waiting.push({ data, elapsedMs });
    this.#waitingBytes += data.byteLength + 64;
    if (this.#waitingBytes > 4 * MAX_WAITING_BYTES) this.#dropOldest();
  }

  /** The last lines, the unfinished one included. */
  lines(): readonly TailLine[] {
    this.#dropOldest();
    for (const { data, elapsedMs } of this.#waiting) this.#tail.append(data, elapsedMs);
    this.#waiting = [];
    this.#waitingBytes = 0;
    return this.#tail.lines();
  }

  /** Leaves only what can still be seen. */
  #dropOldest(): void {
    let first = 0;
    for (; first + 1 < this.#waiting.length && this.#waitingBytes > MAX_WAITING_BYTES; first++)
      this.#waitingBytes -= (this.#waiting[first]?.data.byteLength ?? 0) + 64;
    if (first === 0) return;
    this.#waiting.splice(0, first);
    this.#tail.skip();
  }
}
