import { syntaxError } from '../errors.ts';
import type { Token } from './ast.ts';
import type { LogicalLine } from './logical-line.ts';
import type { Span } from './split-command.ts';

/**
 * The strings of a JSON array; `undefined` when the text is not one and so is shell form. An array with something
 * other than strings in it is an error, as in BuildKit.
 */
export function parseJsonStrings(line: LogicalLine, span: Span): Token[] | undefined {
  const text = line.text.slice(span.start, span.end);
  let values: unknown;
  try {
    values = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(values)) return undefined;
  const places = findStrings(text);
  const tokens: Token[] = [];
  for (const [index, value] of values.entries()) {
    if (typeof value !== 'string')
      throw syntaxError('a JSON array of arguments must hold strings only', line.range(span.start, span.end));
    const place = places[index] ?? { start: 0, end: text.length };
    tokens.push(line.token(replaceLoneSurrogates(value), span.start + place.start, span.start + place.end));
  }
  return tokens;
}

/** Where each string of a flat, valid array stands, quotes included. */
function findStrings(text: string): Span[] {
  return [...text.matchAll(/"(?:[^"\\]|\\.)*"/g)].map((match) => ({
    start: match.index,
    end: match.index + match[0].length,
  }));
}

/** Half a surrogate pair has no UTF-8; Go's decoder puts U+FFFD there. */
function replaceLoneSurrogates(text: string): string {
  return /\p{Surrogate}/u.test(text) ? text.replace(/\p{Surrogate}/gu, '\ufffd') : text;
}
