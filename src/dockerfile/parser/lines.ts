/** BuildKit reads at most this many bytes as one line, its line feed not counted. */
export const MAX_LINE_BYTES = 65_535;

const FEED = 0x0a;
const RETURN = 0x0d;

/** Walks over the physical lines of a source by offsets, so that only what is needed is ever sliced out. */
export class LineReader {
  readonly source: string;
  /** 1-based number of the current line; 0 before the first. */
  number = 0;
  /** Offset of the current line. */
  start = 0;
  /** Offset after its text: line feed and carriage returns are not part of it. */
  end = 0;
  /** Offset of the line after it. */
  next = 0;

  constructor(source: string) {
    this.source = source;
  }

  /** Moves to the next line; `false` at the end of the source. */
  advance(): boolean {
    const { source } = this;
    if (this.next >= source.length) return false;
    this.start = this.next;
    const feed = source.indexOf('\n', this.start);
    this.next = feed < 0 ? source.length : feed + 1;
    let end = this.next;
    while (end > this.start && (source.charCodeAt(end - 1) === FEED || source.charCodeAt(end - 1) === RETURN)) end--;
    this.end = end;
    this.number++;
    return true;
  }

  /** The current line is longer than BuildKit reads. */
  isTooLong(): boolean {
    const length = this.next - this.start;
    if (length * 3 <= MAX_LINE_BYTES) return false;
    const line = this.source.slice(this.start, this.next);
    return Buffer.byteLength(line) - (line.endsWith('\n') ? 1 : 0) > MAX_LINE_BYTES;
  }
}
