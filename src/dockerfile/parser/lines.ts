/** BuildKit reads at most this many bytes as one line, its line feed not counted. */
export const MAX_LINE_BYTES = 65_535;

/** Physical lines, one after the other, without splitting the whole source first. */
export class LineReader {
  readonly #source: string;
  #next = 0;
  #number = 0;

  constructor(source: string) {
    this.#source = source;
  }

  /** 1-based number of the line that was read last; 0 before the first. */
  get number(): number {
    return this.#number;
  }

  /** The next line with its line ending; `undefined` at the end. */
  read(): string | undefined {
    if (this.#next >= this.#source.length) return undefined;
    const feed = this.#source.indexOf('\n', this.#next);
    const end = feed < 0 ? this.#source.length : feed + 1;
    const line = this.#source.slice(this.#next, end);
    this.#next = end;
    this.#number++;
    return line;
  }
}

/** A line without its line feed and carriage returns. */
export function trimNewline(line: string): string {
  let end = line.length;
  while (end > 0 && (line[end - 1] === '\n' || line[end - 1] === '\r')) end--;
  return line.slice(0, end);
}

export function isTooLong(line: string): boolean {
  if (line.length * 3 <= MAX_LINE_BYTES) return false;
  return Buffer.byteLength(line) - (line.endsWith('\n') ? 1 : 0) > MAX_LINE_BYTES;
}
