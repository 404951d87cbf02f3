import { parsePattern } from './pattern.ts';
import type { PatternToken } from './tokens.ts';

/**
 * Compiles ignore patterns for the native walker: a text *program* that needs no glob or regexp engine to run.
 *
 * ## Program
 * One line a pattern, in file order, lines separated by `\n` (none after the last). No patterns is the empty string.
 * A line is fields separated by `\x1f`. The first field is the sign: `+` the pattern excludes, `!` it includes again.
 * The others are tokens, matched one after the other; a pattern matches a path when the tokens consume the **whole** path.
 *
 * | token | consumes |
 * |---|---|
 * | `L<bytes>` | exactly these bytes. Bytes 00-1f, 5c (`\`) and 7f are written `\` + two lower-case hex digits |
 * | `?` | one character that is not `/` |
 * | `*` | zero or more characters that are not `/` |
 * | `.*` | zero or more characters that are not newline; slashes too |
 * | `**` | nothing, or zero or more characters that are not newline, followed by one `/` |
 * | `>` | zero or more bytes of any value (a trailing `/**`, a leading `**`) |
 * | `>/` | nothing, or zero or more bytes of any value followed by one `/` (a leading double-star directory) |
 * | `[<ranges>]` | one character in the class |
 * | `[<ranges>]*` | zero or more characters in the class |
 * | `@^` `@$` | no character; holds only at the start, at the end of the path |
 * | `@b` `@B` | no character; holds (does not hold) where exactly one neighbour is an ASCII word character `[0-9A-Za-z_]` |
 *
 * `<ranges>` is an optional `^` (negated) and comma-separated code points or inclusive ranges in lower-case hex:
 * `[61-7a,5f]`, `[^2f]`. It may be empty. Every run may need backtracking; the longest is not preferred (only
 * *whether* the whole path can be consumed matters).
 *
 * ## Paths
 * Slash-separated, relative to the context root, no leading or trailing slash: `src/main.c`. A *character* is one
 * UTF-8 code point; a byte that is not valid UTF-8 is one character, U+FFFD. Matching is case-sensitive. The root
 * itself is never matched.
 *
 * ## Walk
 * Results of a directory are carried into it, one flag a pattern (`parentMatched`; all false at the root):
 *
 *     matched = false
 *     for each pattern i:
 *       match = parentMatched[i]
 *       if not match:
 *         if (sign[i] is '!') != matched: matchedHere[i] = false; continue   // it could change nothing
 *         match = tokens of i consume the whole path
 *       matchedHere[i] = match
 *       if match: matched = (sign[i] is '+')                                  // the last match wins
 *
 * `matched` = the path is excluded. `matchedHere` is the `parentMatched` of the directory's entries. An excluded directory is
 * still entered when the program has any `!` line (something below it may be included again); without one, nothing
 * below it can be. A directory that is excluded appears in the result only when something below it is included.
 *
 * Throws `IGNORE_PATTERN_INVALID`.
 */
export function compilePatterns(patterns: readonly string[]): string {
  const lines: string[] = [];
  for (const [index, text] of patterns.entries()) {
    const pattern = parsePattern(text, index);
    if (pattern === undefined) continue;
    lines.push([pattern.negated ? '!' : '+', ...pattern.tokens.map(encodeToken)].join('\x1f'));
  }
  return lines.join('\n');
}

function encodeToken(token: PatternToken): string {
  switch (token.type) {
    case 'literal':
      return `L${escapeLiteral(token.text)}`;
    case 'class': {
      const ranges = token.ranges.map(([low, high]) =>
        low === high ? low.toString(16) : `${low.toString(16)}-${high.toString(16)}`,
      );
      return `[${token.negated ? '^' : ''}${ranges.join(',')}]${token.repeated ? '*' : ''}`;
    }
    case 'assertion':
      return `@${token.kind}`;
    default:
      return token.type;
  }
}

function escapeLiteral(text: string): string {
  return text.replace(/[\\\p{Cc}]/gu, (char) => {
    const code = char.charCodeAt(0);
    // Of the control characters only those of one byte; the others are text like any other.
    return code > 0x7f ? char : `\\${code.toString(16).padStart(2, '0')}`;
  });
}
