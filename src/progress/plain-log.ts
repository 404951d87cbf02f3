import type { OutputBuffer } from './output-buffer.ts';
import { type StepLog, TAIL_LINE_LENGTH, TAIL_LINES } from './step-log.ts';
import { formatLogTime } from './units.ts';

/** How often a line that a program repaints (a progress bar) is shown, and how much of one is held back until then. */
const REPAINT_INTERVAL_MS = 5000;
const REPAINT_LENGTH = 4096;

interface Line {
  /** Seconds since the step's start. */
  time: string;
  text: string;
  /** The line's start is printed already. */
  continued: boolean;
}

interface OpenLine extends Line {
  repainted: boolean;
  shownMs: number;
  /** The end of the whole line, printed or not. */
  tail: string;
}

/**
 * The output of one step on its way to the plain display: holds only what was not printed yet, and the last few lines. Text is
 * bytes as Latin-1 strings, so that what is not UTF-8 comes out as it went in.
 *
 * A carriage return repaints a line, as on a terminal: the display gets what the line said in the end, and every five seconds what it
 * says then.
 */
export class PlainLog implements StepLog {
  #waiting: Line[] = [];
  #open: OpenLine | undefined;
  readonly #tail: string[] = [];
  #size = 0;

  /** Characters held back. */
  get size(): number {
    return this.#size + (this.#open?.text.length ?? 0);
  }

  append(data: Uint8Array, elapsedMs: number): void {
    const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('latin1');
    let from = 0;
    while (from < text.length) {
      const newline = text.indexOf('\n', from);
      this.#extend(text.slice(from, newline < 0 ? undefined : newline), elapsedMs);
      if (newline < 0) break;
      this.#close();
      from = newline + 1;
    }
  }

  take(out: OutputBuffer, prefix: string, nowMs: number, ended: boolean): void {
    if (ended && this.#open !== undefined) this.#close();
    for (const line of this.#waiting) out.latin1(`${formatLine(line, prefix)}\n`);
    this.#waiting = [];
    this.#size = 0;
    if (this.#open !== undefined) out.latin1(this.#takeOpen(this.#open, prefix, nowMs));
  }

  interrupt(out: OutputBuffer): void {
    if (!this.#open?.continued) return;
    this.#open.continued = false;
    out.latin1('\n');
  }

  tail(): readonly string[] {
    return this.#tail;
  }

  #extend(text: string, elapsedMs: number): void {
    const time = formatLogTime(elapsedMs);
    this.#open ??= { time, text: '', continued: false, repainted: false, shownMs: 0, tail: '' };
    const open = this.#open;
    open.tail = (open.tail + text).slice(-TAIL_LINE_LENGTH);
    open.text += text;
    const painted = trimReturns(open.text).lastIndexOf('\r');
    if (painted < 0) return;
    if (open.continued) this.#push({ time: '', text: '', continued: true });
    open.continued = false;
    open.time = time;
    open.text = open.text.slice(painted + 1);
    open.repainted = true;
  }

  #close(): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    if (this.#tail.length === TAIL_LINES) this.#tail.shift();
    const tail = trimReturns(open.tail);
    this.#tail.push(`${open.time} ${tail.slice(tail.lastIndexOf('\r') + 1)}`);
    this.#push({ time: open.time, text: trimReturns(open.text), continued: open.continued });
  }

  #push(line: Line): void {
    this.#waiting.push(line);
    // A line costs memory also when it is empty.
    this.#size += line.text.length + 64;
  }

  #takeOpen(open: OpenLine, prefix: string, nowMs: number): string {
    const held = open.repainted && nowMs - open.shownMs < REPAINT_INTERVAL_MS && open.text.length < REPAINT_LENGTH;
    // Returns stay: only what follows them tells whether they end the line or repaint it.
    const text = trimReturns(open.text);
    if (held || text === '') return '';
    const line = formatLine({ ...open, text }, prefix);
    open.text = open.text.slice(text.length);
    open.continued = true;
    open.shownMs = nowMs;
    return line;
  }
}

function formatLine(line: Line, prefix: string): string {
  return line.continued ? line.text : `${prefix}${line.time} ${line.text}`;
}

function trimReturns(text: string): string {
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === 13) end--;
  return text.slice(0, end);
}
