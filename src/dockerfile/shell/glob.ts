/**
 * The glob patterns of `${name#pattern}`, `${name%pattern}` and `${name/pattern/text}`: `*`, `?` and their escapes, no
 * brackets. `#` and `%` take off the shortest match, `##` and `%%` the longest; throws a plain Error on a bad escape.
 */
export function trimPrefix(pattern: string, value: string, greedy: boolean): string {
  const match = toRegExp(pattern, greedy, true).exec(value);
  return match === null ? value : value.slice(match[0].length);
}

/** A search from the end: both texts are turned around, so that "leftmost" is the end. */
export function trimSuffix(pattern: string, value: string, greedy: boolean): string {
  return reverseText(trimPrefix(reversePattern(pattern), reverseText(value), greedy));
}

export function replaceFirst(pattern: string, value: string, replacement: string): string {
  const match = toRegExp(pattern, true, false).exec(value);
  if (match === null) return value;
  return value.slice(0, match.index) + replacement + value.slice(match.index + match[0].length);
}

/** As Go's ReplaceAllString: an empty match beside the one before it does not count, `$0` in the text is the match. */
export function replaceAll(pattern: string, value: string, replacement: string): string {
  let result = '';
  let end = 0;
  let previousEnd = -1;
  for (const match of value.matchAll(new RegExp(toRegExp(pattern, true, false), 'gu'))) {
    if (match[0] === '' && match.index === previousEnd) continue;
    result += value.slice(end, match.index) + expandTemplate(replacement, match[0]);
    end = match.index + match[0].length;
    previousEnd = end;
  }
  return result + value.slice(end);
}

function expandTemplate(template: string, match: string): string {
  if (!template.includes('$')) return template;
  return template.replace(/\$(?:(\$)|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu, (_, dollar, braced, plain) => {
    if (dollar !== undefined) return '$';
    return Number(braced ?? plain) === 0 ? match : '';
  });
}

function toRegExp(pattern: string, greedy: boolean, anchored: boolean): RegExp {
  const chars = Array.from(pattern);
  let source = anchored ? '^' : '';
  for (let at = 0; at < chars.length; at++) {
    let char = chars[at] ?? '';
    if (char === '*') {
      source += greedy ? '[^\\n]*' : '[^\\n]*?';
      continue;
    }
    if (char === '?') {
      source += '[^\\n]';
      continue;
    }
    if (char === '\\') {
      char = chars[++at] ?? '';
      // A closing brace and a slash had to be escaped to get here; the escape is no part of the pattern.
      if (!['}', '/', '*', '?', '\\'].includes(char)) throw new Error(`invalid escape \\${char} in pattern ${pattern}`);
    }
    source += /[\\^$.*+?()[\]{}|/]/.test(char) ? `\\${char}` : char;
  }
  return new RegExp(source, 'u');
}

/** Escapes stay in front of what they escape: `a\*c` becomes `c\*a`. */
function reversePattern(pattern: string): string {
  const parts: string[] = [];
  const chars = Array.from(pattern);
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] ?? '';
    if (char === '\\' && at < chars.length - 1) parts.push(char + (chars[++at] ?? ''));
    else parts.push(char);
  }
  return parts.reverse().join('');
}

function reverseText(text: string): string {
  return Array.from(text).reverse().join('');
}
