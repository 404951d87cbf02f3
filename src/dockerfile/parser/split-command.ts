import { isSpace } from '../text.ts';
import type { Token } from './ast.ts';
import type { LogicalLine } from './logical-line.ts';

/** A stretch of a logical line. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface CommandParts {
  readonly keyword: Token;
  readonly flags: readonly Token[];
  /** The rest, white space around it taken off. */
  readonly rest: Span;
}

/** Splits an instruction into its keyword, its `--flags` and the rest. */
export function splitCommand(line: LogicalLine, span: Span, escapeChar: string): CommandParts {
  const text = line.text;
  const { start, end } = trimSpan(text, span);
  let at = start;
  while (at < end && !isSeparator(text[at])) at++;
  const keyword = line.token(text.slice(start, at), start, at);
  while (at < end && isSeparator(text[at])) at++;
  const { flags, next } = readFlags(line, { start: at, end }, escapeChar);
  return { keyword, flags, rest: trimSpan(text, { start: next, end }) };
}

export function trimSpan(text: string, span: Span): Span {
  let { start, end } = span;
  while (start < end && isSpace(text.charAt(start))) start++;
  while (end > start && isSpace(text.charAt(end - 1))) end--;
  return { start, end };
}

/** The white space between words: BuildKit's `[\t\v\f\r ]+`, which is less than Unicode's. */
export function isSeparator(char: string | undefined): boolean {
  return char === ' ' || char === '\t' || char === '\r' || char === '\v' || char === '\f';
}

/** Leading words that start with `--`; a lone `--` ends them. Quotes and escapes are taken off. */
function readFlags(line: LogicalLine, span: Span, escapeChar: string): { flags: Token[]; next: number } {
  const text = line.text;
  const flags: Token[] = [];
  let at = span.start;
  for (;;) {
    while (at < span.end && isSpace(text.charAt(at))) at++;
    if (at >= span.end || text[at] !== '-' || text[at + 1] !== '-' || at + 1 >= span.end) return { flags, next: at };
    const start = at;
    let value = '';
    let quote = '';
    for (; at < span.end; at++) {
      const char = text.charAt(at);
      if (quote === '' && isSpace(char)) break;
      if (quote === '' && (char === '"' || char === "'")) {
        quote = char;
      } else if (char === quote) {
        quote = '';
      } else if (char === escapeChar) {
        if (at + 1 < span.end) value += text.charAt(++at);
      } else {
        value += char;
      }
    }
    if (value === '--') return { flags, next: at };
    flags.push(line.token(value, start, at));
  }
}
