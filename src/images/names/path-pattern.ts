import { TsbuildError } from '../../errors.ts';

/**
 * Go's path.Match: `*` and `?` do not cross a slash, `[a-z]` and `[^a-z]` are classes, a backslash takes the next character as it
 * is. Throws `FILTER_INVALID` for a pattern that Go calls malformed.
 */
export function compilePathPattern(pattern: string): (text: string) => boolean {
  let source = '';
  const characters = Array.from(pattern);
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i] ?? '';
    if (character === '*') source += '[^/]*';
    else if (character === '?') source += '[^/]';
    else if (character === '\\') source += escapeCharacter(takeEscaped(characters, ++i, pattern));
    else if (character === '[') {
      const { text, end } = readClass(characters, i + 1, pattern);
      source += text;
      i = end;
    } else source += escapeCharacter(character);
  }
  const expression = new RegExp(`^${source}$`, 'us');
  return (text) => expression.test(text);
}

function readClass(
  characters: readonly string[],
  start: number,
  pattern: string,
): { readonly text: string; readonly end: number } {
  let i = start;
  const negated = characters[i] === '^';
  if (negated) i++;
  const ranges: string[] = [];
  const readOne = (): string => {
    const character = characters[i];
    if (character === undefined || character === '-' || character === ']') throw malformed(pattern);
    const one = character === '\\' ? takeEscaped(characters, ++i, pattern) : character;
    i++;
    return one;
  };
  while (characters[i] !== ']' || ranges.length === 0) {
    const low = readOne();
    let high = low;
    if (characters[i] === '-') {
      i++;
      high = readOne();
    }
    // An upside-down range is allowed in Go and matches nothing.
    if (low <= high) ranges.push(`${escapeCharacter(low)}-${escapeCharacter(high)}`);
    else ranges.push('');
  }
  const inside = ranges.join('');
  if (inside === '') return { text: negated ? '.' : '(?!)', end: i };
  return { text: `[${negated ? '^' : ''}${inside}]`, end: i };
}

function takeEscaped(characters: readonly string[], index: number, pattern: string): string {
  const character = characters[index];
  if (character === undefined) throw malformed(pattern);
  return character;
}

function escapeCharacter(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

function malformed(pattern: string): TsbuildError {
  return new TsbuildError('FILTER_INVALID', `malformed pattern ${JSON.stringify(pattern)}`, {
    hint: 'a pattern has *, ?, [a-z] and [^a-z]; put a backslash before a character that is to be taken as it is',
  });
}
