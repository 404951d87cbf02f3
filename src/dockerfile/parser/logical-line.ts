import type { Position, SourceRange } from '../position.ts';
import type { Token } from './ast.ts';

/** Where a piece of a logical line begins: its offset in the text, its line and column in the source. */
interface Piece {
  readonly offset: number;
  readonly line: number;
  readonly column: number;
}

/** A line put together from continued lines, which still knows where each character came from. */
export class LogicalLine {
  text: string;
  /** Of the first character. */
  readonly #line: number;
  readonly #column: number;
  /** The pieces after the first; most lines have none. */
  #more: Piece[] | undefined;

  constructor(text: string, line: number, column: number) {
    this.text = text;
    this.#line = line;
    this.#column = column;
  }

  append(text: string, line: number, column: number): void {
    this.#more ??= [];
    this.#more.push({ offset: this.text.length, line, column });
    this.text += text;
  }

  /** The source range of `[start, end)`; an end, and so an empty range, stays on the line of the last character before it. */
  range(start: number, end: number): SourceRange {
    if (start === end) {
      const place = this.#position(Math.max(0, start - 1), start);
      return { start: place, end: place };
    }
    return { start: this.#position(start, start), end: this.#position(Math.max(start, end - 1), end) };
  }

  /** The token whose value is the text of `[start, end)` as it stands. */
  textToken(start: number, end: number): TextToken {
    return new TextToken(this, start, end);
  }

  /** A token whose value is not the text under it: unquoted, decoded. */
  token(value: string, start: number, end: number): Token {
    return new ValueToken(value, this, start, end);
  }

  #position(within: number, offset: number): Position {
    const more = this.#more;
    if (more === undefined) return { line: this.#line, column: this.#column + offset };
    let piece: Piece = { offset: 0, line: this.#line, column: this.#column };
    for (let low = 0, high = more.length; low < high; ) {
      const middle = (low + high) >> 1;
      const candidate = more[middle];
      if (candidate !== undefined && candidate.offset <= within) {
        piece = candidate;
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return { line: piece.line, column: piece.column + offset - piece.offset };
  }
}

/** Tokens work out their range, and their text, when asked: few are, and a large file has many. */
export class TextToken implements Token {
  readonly #line: LogicalLine;
  /** Offsets in the logical line. */
  readonly start: number;
  readonly end: number;

  constructor(line: LogicalLine, start: number, end: number) {
    this.#line = line;
    this.start = start;
    this.end = end;
  }

  get value(): string {
    return this.#line.text.slice(this.start, this.end);
  }

  get range(): SourceRange {
    return this.#line.range(this.start, this.end);
  }

  rangeOf(start: number, end: number): SourceRange {
    return this.#line.range(this.start + start, this.start + end);
  }

  toJSON(): Token {
    return { value: this.value, range: this.range };
  }
}

class ValueToken implements Token {
  readonly value: string;
  readonly #line: LogicalLine;
  readonly #start: number;
  readonly #end: number;

  constructor(value: string, line: LogicalLine, start: number, end: number) {
    this.value = value;
    this.#line = line;
    this.#start = start;
    this.#end = end;
  }

  get range(): SourceRange {
    return this.#line.range(this.#start, this.#end);
  }

  toJSON(): Token {
    return { value: this.value, range: this.range };
  }
}
