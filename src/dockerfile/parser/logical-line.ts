import type { Position, SourceRange } from '../position.ts';
import type { Token } from './ast.ts';

/** A line put together from continued lines, which still knows where each character came from. */
export class LogicalLine {
  #text = '';
  /** Start of each piece: its offset in the text, its line and column in the source. */
  readonly #offsets: number[] = [];
  readonly #lines: number[] = [];
  readonly #columns: number[] = [];

  get text(): string {
    return this.#text;
  }

  append(text: string, line: number, column: number): void {
    this.#offsets.push(this.#text.length);
    this.#lines.push(line);
    this.#columns.push(column);
    this.#text += text;
  }

  /** The source range of `[start, end)`; an end stays on the line of the last character before it. */
  range(start: number, end: number): SourceRange {
    return { start: this.#position(start, start), end: this.#position(Math.max(start, end - 1), end) };
  }

  token(value: string, start: number, end: number): Token {
    return { value, range: this.range(start, end) };
  }

  #position(within: number, offset: number): Position {
    let low = 0;
    let high = this.#offsets.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#offsets[middle] ?? 0) <= within) low = middle;
      else high = middle - 1;
    }
    return {
      line: this.#lines[low] ?? 1,
      column: (this.#columns[low] ?? 0) + offset - (this.#offsets[low] ?? 0),
    };
  }
}
