import { LastOutput } from './last-output.ts';
import type { CopyLines, OutputBuffer } from './output-buffer.ts';
import { type StepLog, TAIL_LINE_LENGTH, TAIL_LINES } from './step-log.ts';
import { formatLogTime } from './units.ts';

const KEPT_BYTES = 64 * 1024;

/**
 * The output of one step on its way to the log of a build, where every byte of it is kept: `#4 0.123 ` stands before each line, with the
 * seconds since the step's start. Where the output of another step comes in between, the line goes on behind `#4 ~ `.
 */
export class RawLog implements StepLog {
  readonly #copyLines: CopyLines;
  #waiting: { readonly data: Uint8Array; readonly elapsedMs: number }[] = [];
  #size = 0;
  readonly #last = new LastOutput(KEPT_BYTES);
  #line: 'none' | 'open' | 'interrupted' = 'none';

  constructor(copyLines: CopyLines) {
    this.#copyLines = copyLines;
  }

  get size(): number {
    return this.#size;
  }

  append(data: Uint8Array, elapsedMs: number): void {
    if (data.length === 0) return;
    this.#waiting.push({ data, elapsedMs });
    // A piece costs memory also when it is small.
    this.#size += data.length + 128;
    this.#last.push(data, elapsedMs);
  }

  take(out: OutputBuffer, prefix: string, _nowMs: number, ended: boolean): void {
    for (const { data, elapsedMs } of this.#waiting) {
      if (this.#line === 'interrupted') out.latin1(`${prefix}~ `);
      const start = Buffer.from(`${prefix}${formatLogTime(elapsedMs)} `, 'latin1');
      out.lines(this.#copyLines, data, start, this.#line === 'none');
      this.#line = data.at(-1) === 10 ? 'none' : 'open';
    }
    this.#waiting = [];
    this.#size = 0;
    if (!ended) return;
    if (this.#line === 'open') out.latin1('\n');
    this.#line = 'none';
  }

  interrupt(out: OutputBuffer): void {
    if (this.#line !== 'open') return;
    this.#line = 'interrupted';
    out.latin1('\n');
  }

  tail(): readonly string[] {
    return this.#last.lines(TAIL_LINES, TAIL_LINE_LENGTH);
  }
}
