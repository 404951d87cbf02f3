import { isSpace, skipPlain } from '../text.ts';
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
  const keywordEnd = findSeparator(text, start, end);
  const keyword = line.textToken(start, keywordEnd);
  const { flags, next } = readFlags(line, { start: skipSeparators(text, keywordEnd, end), end }, escapeChar);
  return { keyword, flags, rest: trimSpan(text, { start: next, end }) };
}

export function trimSpan(text: string, span: Span): Span {
  let { start, end } = span;
  while (start < end && isSpace(text.charAt(start))) start++;
  while (end > start && isSpace(text.charAt(end - 1))) end--;
  return { start, end };
}

/** Words are separated by BuildKit's `[\t\v\f\r ]+`, which is less than Unicode's white space. */
const WORD = /[^\t\v\f\r ]*/y;
const SEPARATORS = /[\t\v\f\r ]*/y;

/** The end of the word that starts at `at`. */
export function findSeparator(text: string, at: number, end: number): number {
  WORD.lastIndex = at;
  WORD.test(text);
  return Math.min(WORD.lastIndex, end);
}

/** The start of the next word. */
export function skipSeparators(text: string, at: number, end: number): number {
  SEPARATORS.lastIndex = at;
  SEPARATORS.test(text);
  return Math.min(SEPARATORS.lastIndex, end);
}

const NO_FLAGS: Token[] = [];

/** Leading words that start with `--`; a lone `--` ends them. Quotes and escapes are taken off. */
function readFlags(line: LogicalLine, span: Span, escapeChar: string): { flags: Token[]; next: number } {
  const text = line.text;
  let flags: Token[] = NO_FLAGS;
  let at = span.start;
  for (;;) {
    while (at < span.end && isAsciiSpace(text.charAt(at))) at++;
    if (at >= span.end || text[at] !== '-' || text[at + 1] !== '-' || at + 1 >= span.end) return { flags, next: at };
    const start = at;
    at = findWordEnd(text, at, span.end, escapeChar);
    const value = unquote(text.slice(start, at), escapeChar);
    if (value === '--') return { flags, next: at };
    if (flags === NO_FLAGS) flags = [];
    flags.push(at - start === value.length ? line.textToken(start, at) : line.token(value, start, at));
  }
}

/** BuildKit reads flags byte by byte: no white space of more than one byte ends them. */
function isAsciiSpace(char: string): boolean {
  return char < '\x80' && isSpace(char);
}

/** The end of a word: the first white space that is neither quoted nor escaped. */
function findWordEnd(text: string, start: number, end: number, escapeChar: string): number {
  let quote = '';
  let at = skipPlain(text, start);
  for (; at < end; at = skipPlain(text, at + 1)) {
    const char = text.charAt(at);
    if (char === escapeChar) at++;
    else if (quote !== '') quote = char === quote ? '' : quote;
    else if (char === '"' || char === "'") quote = char;
    else if (isAsciiSpace(char)) break;
  }
  return Math.min(at, end);
}

/** Takes quotes and escapes off; an escape at the very end goes too. */
function unquote(word: string, escapeChar: string): string {
  if (!/["']/.test(word) && !word.includes(escapeChar)) return word;
  let value = '';
  let quote = '';
  for (let at = 0; at < word.length; at++) {
    const char = word.charAt(at);
    if (char === escapeChar) value += word.charAt(++at);
    else if (char === quote) quote = '';
    else if (quote === '' && (char === '"' || char === "'")) quote = char;
    else value += char;
  }
  return value;
}
