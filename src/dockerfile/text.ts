import { posix } from 'node:path';

/**
 * Go's notion of white space (unicode.IsSpace), which the Dockerfile and ignore grammars are defined by. JavaScript's
 * own trim() also takes the byte-order mark and leaves U+0085.
 */
const SPACE = '\\t\\n\\v\\f\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const LEADING = new RegExp(`^[${SPACE}]+`);
const TRAILING_SPACE = new RegExp(`[${SPACE}]`);
const SPACES = new RegExp(`[${SPACE}]+`);

/** As many characters as are neither white space nor a quote nor an escape character. */
const PLAIN_RUN = new RegExp(`[^${SPACE}'"\\\\\`]*`, 'y');

/** The first index from `at` on whose character is white space, a quote or an escape character; the length if none is. */
export function skipPlain(text: string, at: number): number {
  if (at >= text.length) return text.length;
  PLAIN_RUN.lastIndex = at;
  PLAIN_RUN.test(text);
  return PLAIN_RUN.lastIndex;
}

export function isSpace(char: string): boolean {
  if (char === '') return false;
  const code = char.charCodeAt(0);
  if (code < 0x80) return code === 0x20 || (code >= 0x09 && code <= 0x0d);
  return TRAILING_SPACE.test(char);
}

export function trimLeft(text: string): string {
  return isSpace(text.charAt(0)) ? text.replace(LEADING, '') : text;
}

function trimRight(text: string): string {
  let end = text.length;
  while (end > 0 && isSpace(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}

export function trimSpace(text: string): string {
  return trimRight(trimLeft(text));
}

/** Splits at white space; no empty words. */
export function splitSpaces(text: string): string[] {
  // Most texts are a single word.
  if (text.search(SPACES) < 0) return text === '' ? [] : [text];
  return text.split(SPACES).filter((word) => word !== '');
}

/** The beginning of a text for a message: a file that is no Dockerfile may be one line of a megabyte. */
export function clip(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}

/** Go's path.Clean: no `.` or `..` that could be resolved, no trailing slash, `.` for nothing. */
export function cleanPath(path: string): string {
  const normal = posix.normalize(path);
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
}

/** Whether Go's filepath.Match would see a pattern in the path. */
export function hasWildcard(path: string): boolean {
  return /(?<!\\)(\\\\)*[*?[]/.test(path);
}
