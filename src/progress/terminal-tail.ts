import { formatLogTime } from './units.ts';

/** More of a line than any terminal shows. */
const MAX_LINE = 2048;
/** Of one burst of output only the end can still be seen. */
const MAX_CHUNK = 64 * 1024;
const TAB = 8;

export interface TailLine {
  /** Seconds since the step's start. */
  readonly time: string;
  readonly text: string;
}

/**
 * The last lines of what a program wrote to its terminal, made harmless: of its control characters only line ends,
 * returns, backspaces, tabs and colours (SGR) have an effect; every other escape sequence is dropped, so that no output
 * can move the cursor, rename the window or write into the terminal's input.
 */
export class TerminalTail {
  readonly #maxLines: number;
  #decoder = new TextDecoder();
  readonly #lines: TailLine[] = [];
  #line = '';
  #time = '';
  /** A carriage return came: the next character repaints the line. */
  #returned = false;
  #escape: EscapeState | undefined;
  #dropped = false;

  constructor(maxLines: number) {
    this.#maxLines = maxLines;
  }

  /** Whether lines were pushed out. */
  get dropped(): boolean {
    return this.#dropped;
  }

  append(data: Uint8Array, elapsedMs: number): void {
    if (data.byteLength > MAX_CHUNK) this.skip();
    const seen = data.subarray(Math.max(0, data.byteLength - MAX_CHUNK));
    const time = formatLogTime(elapsedMs);
    for (const char of this.#decoder.decode(seen, { stream: true })) this.#take(char, time);
  }

  /** Output is left out here: what was unfinished stays so. */
  skip(): void {
    if (this.#line !== '') this.#endLine(this.#time);
    this.#decoder = new TextDecoder();
    this.#escape = undefined;
    this.#dropped = true;
  }

  /** The last lines, the unfinished one included. */
  lines(): readonly TailLine[] {
    return this.#line === '' ? this.#lines : [...this.#lines, { time: this.#time, text: this.#line }];
  }

  #take(char: string, time: string): void {
    if (this.#escape !== undefined) {
      const sequence = this.#escape.take(char);
      if (sequence === undefined) return;
      this.#escape = undefined;
      if (isColour(sequence)) this.#line += sequence;
      return;
    }
    switch (char) {
      case '\n':
        this.#endLine(time);
        return;
      case '\r':
        this.#returned = true;
        return;
      case '\b':
        // A colour before the cursor is no character that could be taken back.
        if (!/\x1b\[[\d;]*m$/.test(this.#line)) this.#line = this.#line.replace(/.$/u, '');
        return;
      case '\x1b':
        this.#escape = new EscapeState();
        return;
      case '\t':
        this.#put(' '.repeat(TAB - (this.#line.length % TAB)), time);
        return;
    }
    if (!isControl(char)) this.#put(char, time);
  }

  #put(text: string, time: string): void {
    if (this.#returned || this.#line === '') {
      this.#line = '';
      this.#time = time;
      this.#returned = false;
    }
    if (this.#line.length < MAX_LINE) this.#line += text;
  }

  #endLine(time: string): void {
    if (this.#lines.length === this.#maxLines) {
      this.#lines.shift();
      this.#dropped = true;
    }
    this.#lines.push({ time: this.#line === '' ? time : this.#time, text: this.#line });
    this.#line = '';
    this.#returned = false;
  }
}

/** C0, C1 and the marks that reorder text. */
export const CONTROLS = /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Text from a Dockerfile or an error, made harmless for one row of a terminal. */
export function cleanText(text: string): string {
  return text.replace(/\s+/g, ' ').replace(CONTROLS, '');
}

/** Text of several lines without what could move a terminal's cursor, or make it show another order; tabs stay. */
export function cleanLines(text: string): string {
  return text.replace(CONTROLS, (char) => (char === '\t' || char === '\n' ? char : ''));
}

/** One escape sequence as it comes in, perhaps in pieces; it may be of any length but is never kept beyond a colour's. */
class EscapeState {
  #text = '\x1b';
  #kind: 'start' | 'control' | 'string' | 'string-end' | 'one-more' = 'start';

  /** Takes the next character; the whole sequence when it ended. */
  take(char: string): string | undefined {
    if (this.#text.length < 64) this.#text += char;
    const ended = this.#step(char);
    return ended ? this.#text : undefined;
  }

  #step(char: string): boolean {
    switch (this.#kind) {
      case 'start':
        if (char === '[') this.#kind = 'control';
        else if (/[\]PX^_]/.test(char)) this.#kind = 'string';
        else if (/[ -/]/.test(char)) this.#kind = 'one-more';
        else return true;
        return false;
      case 'control':
        // Parameters and intermediates up to the final byte; anything else aborts the sequence.
        return !/[ -?]/.test(char);
      case 'one-more':
        return !/[ -/]/.test(char);
      case 'string':
        // Ends with BEL or ST (ESC \); a line end means that nobody will end it.
        if (char === '\x1b') this.#kind = 'string-end';
        return char === '\x07' || char === '\n' || char === '\u009c';
      case 'string-end':
        return true;
    }
  }
}

/** Colours and weights; not blinking or hidden text. */
function isColour(sequence: string): boolean {
  const parameters = /^\x1b\[([\d;]{0,40})m$/.exec(sequence)?.[1];
  if (parameters === undefined) return false;
  const codes = parameters.split(';').map(Number);
  // 38 and 48 take the codes after them as a colour.
  const extended = codes.findIndex((code) => code === 38 || code === 48);
  return codes.slice(0, extended < 0 ? undefined : extended).every((code) => code !== 5 && code !== 6 && code !== 8);
}

function isControl(char: string): boolean {
  return char.search(CONTROLS) >= 0;
}
