import { cleanPath, trimSpace } from '../text.ts';
import { invalidIgnorePattern } from './errors.ts';
import { findGlobError } from './glob-syntax.ts';
import { parseRegexpTokens } from './regexp-tokens.ts';
import type { PatternToken } from './tokens.ts';

export interface IgnorePattern {
  /** Cleaned, without `!`. */
  readonly text: string;
  readonly negated: boolean;
  readonly tokens: readonly PatternToken[];
}

/**
 * Reads one pattern by the rules of moby/patternmatcher; `undefined` for a blank one. `index` is its place in the list,
 * for errors. Throws `IGNORE_PATTERN_INVALID`.
 */
export function parsePattern(source: string, index: number): IgnorePattern | undefined {
  const trimmed = trimSpace(source);
  if (trimmed === '') return undefined;
  // Cleaned with its `!` on, as moby does: `!../x` keeps its dots, `!a/` loses its slash.
  let text = cleanPath(trimmed);
  const negated = text.startsWith('!');
  if (negated) text = text.slice(1);
  if (negated && text === '') throw invalidIgnorePattern(source, index + 1, 'there is nothing after !');
  const problem = findGlobError(text);
  if (problem !== undefined) throw invalidIgnorePattern(source, index + 1, problem);
  return { text, negated, tokens: compileTokens(text, (why) => invalidIgnorePattern(source, index + 1, why)) };
}

/**
 * moby compiles a pattern into one of four kinds. A plain text, a text before a final `**` and a text after a first `**`
 * are compared as they are; all others become a Go regular expression, whose reading of an odd pattern (`[*]`, `\d`,
 * `a^b`) is what users of .dockerignore get, so that expression is built and read here too.
 */
function compileTokens(pattern: string, fail: (why: string) => Error): PatternToken[] {
  const chars = Array.from(pattern);
  // The scanner that moby reads a pattern with skips a byte order mark, on whatever line of the file: an expression has none.
  const start = chars[0] === '\ufeff' ? 1 : 0;
  let expression = '';
  let kind: 'exact' | 'prefix' | 'suffix' | 'regexp' = 'exact';
  for (let at = start; at < chars.length; ) {
    const first = at === start;
    const char = chars[at++] ?? '';
    if (char === '*' && chars[at] === '*') {
      at++;
      if (chars[at] === '/') at++;
      if (at < chars.length) {
        expression += '(.*/)?';
        kind = 'regexp';
      } else if (kind === 'exact') {
        kind = 'prefix';
      } else {
        expression += '.*';
        kind = 'regexp';
      }
      if (first) kind = 'suffix';
    } else if (char === '*' || char === '?') {
      expression += char === '*' ? '[^/]*' : '[^/]';
      kind = 'regexp';
    } else if (char === '\\') {
      // At the end it takes the `$` that ends moby's expression for text, and any name may go on behind it.
      if (at === chars.length) return [...parseRegexpTokens(`${expression}\\$`, fail), { type: '>' }];
      expression += `\\${chars[at++]}`;
      kind = 'regexp';
    } else if (char === '[' || char === ']') {
      expression += char;
      kind = 'regexp';
    } else {
      expression += '.+()|{}$'.includes(char) ? `\\${char}` : char;
    }
  }
  switch (kind) {
    case 'exact':
      return [{ type: 'literal', text: pattern }];
    case 'prefix':
      return [{ type: 'literal', text: pattern.slice(0, -2) }, { type: '>' }];
    case 'suffix':
      return suffixTokens(pattern.slice(2));
    case 'regexp':
      return parseRegexpTokens(expression, fail);
  }
}

function suffixTokens(suffix: string): PatternToken[] {
  if (suffix === '') return [{ type: '>' }];
  if (suffix.startsWith('/')) return [{ type: '>/' }, { type: 'literal', text: suffix.slice(1) }];
  return [{ type: '>' }, { type: 'literal', text: suffix }];
}
